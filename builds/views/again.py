"""Run a build again: exactly as then, or with today's settings; and what differs between the two."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from builds.access import Right, build_or_404, require_in
from builds.services.replay import ReplayError, ran, replay, why_not
from builds.services.since_then import since_then
from builds.views.person import person


@require_safe
@never_cache
def build_again(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """The choice, and the difference."""
    user = person(request)
    its = build_or_404(user, uuid, number)
    require_in(user, its.project, Right.RESTART_BUILD)
    jobs = ran(its)
    obstacle = why_not(its, jobs)
    context = {
        "project": its.project,
        "build": its,
        "tab": "builds",
        "obstacle": obstacle,
        "since": None if obstacle else since_then(its, jobs),
    }
    return render(request, "builds/again.html", context)


@require_POST
def build_replay(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """Run it exactly as it ran, as a new build."""
    user = person(request)
    its = build_or_404(user, uuid, number)
    require_in(user, its.project, Right.RESTART_BUILD)
    try:
        again = replay(its, requested_by=user, who=user.email)
    except ReplayError as error:
        messages.error(request, str(error))
        return redirect("build_again", uuid, number)
    return redirect("build", uuid, again.number)

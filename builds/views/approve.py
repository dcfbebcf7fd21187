"""The button that lets a waiting build go on."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from builds.access import Right, build_or_404, require_in
from builds.services.approve import approve
from builds.views.person import person


@require_POST
def build_approve(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """Let the manual steps of the build run."""
    user = person(request)
    its = build_or_404(user, uuid, number)
    require_in(user, its.project, Right.APPROVE)
    if not approve(its, user=user):
        messages.info(request, "The build does not wait for approval any more.")
    return redirect("build", uuid, number)

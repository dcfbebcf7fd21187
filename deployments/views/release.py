"""The page of one release: what it is made of, and where it has been."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from builds.access import Right, may_in, project_or_404, require_in
from builds.models import Project
from builds.services.texts import storable
from builds.views.person import person
from deployments.models import Release
from deployments.services.irreversible import MarkError
from deployments.services.irreversible import mark as say_irreversible
from deployments.services.irreversible import unmark as say_reversible
from deployments.services.releases import artifacts_of
from deployments.views.rows import rows, told

_MOST_PLACES = 100


@require_safe
def release(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """Commit, images, digest of the configuration, artifacts, mark, and every deployment of it, newest first."""
    user = person(request)
    project = project_or_404(user, uuid)
    its = _release_or_404(project, number)
    went = told().filter(release=its).order_by("-id")[:_MOST_PLACES]
    context = {
        "project": project,
        "tab": "environments",
        "release": its,
        "images": sorted(its.images.items()),
        "artifacts": artifacts_of(its).count(),
        "rows": rows(list(went)),
        "environments": project.environments.filter(retired=False),
        "may_deploy": may_in(user, project, Right.DEPLOY),
    }
    return render(request, "deployments/release.html", context)


@require_POST
def mark(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """Say that it cannot be taken back, and why."""
    return _say(request, uuid, number, say_irreversible)


@require_POST
def unmark(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """Say that it can be taken back after all."""
    return _say(request, uuid, number, say_reversible)


def _say(request: HttpRequest, uuid: UUID, number: int, act: Callable[..., None]) -> HttpResponse:
    user: User = person(request)
    its = _release_or_404(project_or_404(user, uuid), number)
    require_in(user, its.project, Right.DEPLOY)
    try:
        act(its, user=user, reason=storable(request.POST.get("reason", "")))
    except MarkError as refusal:
        messages.error(request, f"{refusal}.")
    return redirect("release", uuid, number)


def _release_or_404(project: Project, number: int) -> Release:
    rows = project.releases.select_related("build", "project__organization").defer("build__plan")
    return get_object_or_404(rows, number=number)

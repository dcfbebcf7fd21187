"""The page of a project's environments."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from builds.access import Right, may, project_or_404
from builds.numbers import whole
from builds.views.person import person
from deployments.views.board import HISTORY, columns, history


@require_safe
def environments(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The page; with `?part=board` what changes of it, with `?before=<id>` older history."""
    user = person(request)
    project = project_or_404(user, uuid)
    until = whole(request.GET.get("before", ""), digits=18)
    shown = history(project, before=until)
    context = {
        "project": project,
        "tab": "environments",
        "columns": columns(project),
        "history": shown,
        "older": shown[-1].deployment.pk if len(shown) == HISTORY else None,
        "is_newest": until is None,
        "may_deploy": may(user, project.organization, Right.DEPLOY),
    }
    part = request.GET.get("part") == "board"
    return render(request, "deployments/_board.html" if part else "deployments/environments.html", context)

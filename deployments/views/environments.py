"""The page of a project's environments."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from builds.access import Right, project_or_404, rights_in
from builds.numbers import whole
from builds.views.person import person
from deployments.views.board import columns
from deployments.views.history import HISTORY, history


@require_safe
def environments(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The page; with `?part=board` what changes of it, with `?before=<number>` older releases."""
    user = person(request)
    project = project_or_404(user, uuid)
    until = whole(request.GET.get("before", ""), digits=9)
    shown = history(project, before=until)
    board = columns(project, reader=user)
    rights = rights_in(user, project)
    context = {
        "project": project,
        "tab": "environments",
        "columns": board,
        "freezes": len({freeze.pk for column in board for freeze in column.freezes}),
        "history": shown,
        "older": shown[-1].release.number if len(shown) == HISTORY else None,
        "is_newest": until is None,
        "may_deploy": Right.DEPLOY in rights,
        "may_override": Right.OVERRIDE_WINDOW in rights,
    }
    part = request.GET.get("part") == "board"
    return render(request, "deployments/_board.html" if part else "deployments/environments.html", context)

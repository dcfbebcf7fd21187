"""The page of one deployment."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.models import User
from builds.access import Right, project_or_404, rights_in
from builds.views.person import person
from deployments.models import Deployment
from deployments.services.approvers import refusal
from deployments.services.gates_of import gates_of
from deployments.views.rows import Row, rows, told
from deployments.views.zone import zone_of


@require_safe
def deployment(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> HttpResponse:
    """What goes where, why and by whom, its stages and every move; with `?part=1` what changes of it."""
    user = person(request)
    its = deployment_or_404(user, uuid, deployment_uuid)
    project = its.environment.project
    row = rows([its])[0]
    rights = rights_in(user, project)
    context = {
        "project": project,
        "tab": "environments",
        "row": row,
        "zone": zone_of(gates_of(its.environment)),
        "moves": list(its.moves.order_by("id")),
        "may_deploy": Right.DEPLOY in rights,
        "may_override": Right.OVERRIDE_WINDOW in rights,
        "is_asked": _is_asked(row, user),
    }
    template = "deployments/_deployment.html" if request.GET.get("part") else "deployments/deployment.html"
    return render(request, template, context)


def deployment_or_404(user: User, project_uuid: UUID, deployment_uuid: UUID) -> Deployment:
    """One deployment of a project that `user` may see, with all that is told of it."""
    project = project_or_404(user, project_uuid)
    rows = told().select_related("environment__project__organization")
    return get_object_or_404(rows, environment__project=project, uuid=deployment_uuid)


def _is_asked(row: Row, user: User) -> bool:
    """Whether it waits for this person's word."""
    rule = gates_of(row.deployment.environment).approval if row.is_waiting else None
    return rule is not None and not refusal(rule, row.deployment, user)

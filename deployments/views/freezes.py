"""The page of freezes: those that hold or come, lift one, make one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from builds.access import Right, project_or_404, require_in, rights_in
from builds.models import Project
from builds.views.person import person
from deployments.forms import FreezeForm
from deployments.models import Environment, Freeze
from deployments.services import freezes as services
from deployments.services.gates_of import gates_of
from deployments.services.request import RefusedError
from deployments.views.board import freezes_of
from deployments.views.zone import zone_of


@require_http_methods(["GET", "HEAD", "POST"])
def freezes(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The list and the form; POST makes a freeze."""
    user = person(request)
    project = project_or_404(user, uuid)
    rights = rights_in(user, project)
    environments = project.environments.filter(retired=False)
    may_freeze_all = Right.CHANGE_ORGANIZATION in rights
    if request.method == "POST":
        require_in(user, project, Right.CHANGE_PROJECT)
        form = FreezeForm(environments, request.POST, may_freeze_all=may_freeze_all)
        if form.is_valid() and _make(form, project, user):
            return redirect("freezes", uuid)
        return _page(request, project, rights, form, status=400)
    form = FreezeForm(environments, initial=_first(list(environments)), may_freeze_all=may_freeze_all)
    return _page(request, project, rights, form)


@require_POST
def lift(request: HttpRequest, uuid: UUID, freeze: UUID) -> HttpResponse:
    """Lift a freeze of one of the project's environments, or of its organisation."""
    user = person(request)
    project = project_or_404(user, uuid)
    rows = Freeze.objects.filter(
        Q(environment=None) | Q(environment__project=project), organization_id=project.organization_id
    ).select_related("organization", "environment__project")
    found = get_object_or_404(rows, uuid=freeze)
    require_in(user, project, Right.CHANGE_PROJECT if found.environment else Right.CHANGE_ORGANIZATION)
    if not services.thaw(found, user=user):
        messages.info(request, "It was lifted before.")
    return redirect("freezes", uuid)


def _first(environments: list[Environment]) -> dict[str, object]:
    """What stands in the form at first: the last environment in the order of promotion, and the zone of a window."""
    zones = [zone_of(gates) for gates in map(gates_of, environments) if gates.windows]
    return {"zone": next(iter(zones), "UTC"), "environment": environments[-1].uuid if environments else None}


def _page(
    request: HttpRequest, project: Project, rights: frozenset[Right], form: FreezeForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "project": project,
        "tab": "environments",
        "freezes": freezes_of(project),
        "now": timezone.now(),
        "form": form,
        "may_change_project": Right.CHANGE_PROJECT in rights,
        "may_change_organization": Right.CHANGE_ORGANIZATION in rights,
    }
    return render(request, "deployments/freezes.html", context, status=status)


def _make(form: FreezeForm, project: Project, user: User) -> bool:
    """False where it is refused; the form says why."""
    told = form.cleaned_data
    environment: Environment | None = told["environment"]
    try:
        services.freeze(
            project.organization,
            environment=environment,
            starts_at=told["starts_at"] or timezone.now(),
            ends_at=told["ends_at"],
            reason=told["reason"],
            user=user,
        )
    except RefusedError as refusal:
        form.add_error(None, f"{refusal}.")
        return False
    return True

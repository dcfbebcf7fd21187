"""What is set up for a project at its git host: tried again, switched, taken away. And what its pages show of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.services.audit import record
from builds.access import Right
from builds.connection_form import StatusesForm
from builds.models import Connection, HostingStep, Project, ReportedStatus
from builds.models.hosting import StepName
from builds.services.check_hosting import look_soon
from builds.services.connect_repository import disconnect as take_away
from builds.services.set_up import STEPS, set_up
from builds.views.person import project_to_change

_ORDER = list(StepName)
_UNTOLD_SINCE = timedelta(days=7)
_UNTOLD_SHOWN = 5


def hosting_context(project: Project) -> dict[str, Any]:
    """What set-up page and settings show of the git host."""
    steps = sorted(HostingStep.objects.filter(project=project), key=lambda step: _ORDER.index(StepName(step.name)))
    connections = Connection.objects.filter(organization=project.organization_id).defer("token", "app_key")
    return {
        "connection": connections.filter(pk=project.connection_id).first() if project.connection_id else None,
        "connections": connections.order_by("url", "pk"),
        "hosting_steps": steps,
        "statuses_form": StatusesForm(instance=project),
        "untold": untold(project),
    }


def untold(project: Project) -> list[ReportedStatus]:
    """Commit statuses of the last days that did not arrive, newest first."""
    if project.connection_id is None:
        return []
    found = ReportedStatus.objects.filter(project=project, tried_at__gt=timezone.now() - _UNTOLD_SINCE)
    return list(
        found.exclude(problem="").select_related("build").defer("build__plan").order_by("-tried_at")[:_UNTOLD_SHOWN]
    )


@require_POST
def again(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Set up again: one step, or all of them; and look what is wrong."""
    _, project = project_to_change(request, uuid, Right.CHANGE_PROJECT)
    if project.connection_id is None:
        messages.error(request, "The project is not connected to a git host.")
        return redirect("project_setup", uuid)
    wanted = request.POST.get("step", "")
    set_up(project, [wanted] if wanted in STEPS else STEPS)
    look_soon(project)
    messages.success(request, "It is being set up; look again in a moment.")
    return redirect("project_setup", uuid)


@require_POST
def statuses(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Whether builds are shown beside commits, and what the line is called."""
    user, project = project_to_change(request, uuid, Right.CHANGE_PROJECT)
    form = StatusesForm(request.POST, instance=project)
    if form.is_valid():
        form.save()
        record("project.changed", project.name, user=user, organization=project.organization, details=form.cleaned_data)
        messages.success(request, "Saved.")
    else:
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    return redirect("project_settings", uuid)


@require_POST
def disconnect(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The project goes on by hand."""
    user, project = project_to_change(request, uuid, Right.CHANGE_PROJECT)
    take_away(project, who=user)
    messages.success(request, "Disconnected. The hook and the key that we made are being removed at the git host.")
    return redirect("project_setup", uuid)

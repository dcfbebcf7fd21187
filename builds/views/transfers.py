"""The pages on which a project is given away: one side asks, the other takes it or does not."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.services.roles import RefusedError
from builds.access import Right
from builds.organization_forms import TransferForm
from builds.services import transfer as services
from builds.views.person import organization_to_change, project_to_change


@require_http_methods(["GET", "HEAD", "POST"])
def transfer(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """What goes along and what stays; POST asks the other organisation."""
    user, project = project_to_change(request, uuid, Right.TRANSFER_PROJECT)
    form = TransferForm(user, project.organization, request.POST or None)
    if request.method == "POST" and form.is_valid():
        target = form.cleaned_data["target"]
        services.ask(project, target, by=user)
        messages.success(request, f"{target} is asked to take {project}.")
        return redirect("project_transfer", uuid)
    context = {"project": project, "tab": "settings", "form": form, "asked": services.asked_for(project)}
    return render(request, "organizations/transfer.html", context, status=400 if form.errors else 200)


@require_POST
def withdraw(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Ask no more."""
    user, project = project_to_change(request, uuid, Right.TRANSFER_PROJECT)
    asked = services.asked_for(project)
    if asked is not None and services.withdraw(asked, by=user):
        messages.success(request, f"{asked.target} is not asked any more.")
    return redirect("project_transfer", uuid)


@require_POST
def take(request: HttpRequest, organization_uuid: UUID, transfer_uuid: UUID) -> HttpResponse:
    """Take a project that another organisation offers."""
    user, organization = organization_to_change(request, organization_uuid, Right.TRANSFER_PROJECT)
    asked = get_object_or_404(services.asked_of(organization), uuid=transfer_uuid)
    try:
        project = services.take(asked, by=user)
    except RefusedError as refused:
        messages.error(request, str(refused))
        return redirect("organization_settings", organization_uuid)
    messages.success(request, f"{project} belongs to {organization} now.")
    return redirect("project_settings", project.uuid)


@require_POST
def decline(request: HttpRequest, organization_uuid: UUID, transfer: UUID) -> HttpResponse:
    """Do not take it."""
    user, organization = organization_to_change(request, organization_uuid, Right.TRANSFER_PROJECT)
    asked = get_object_or_404(services.asked_of(organization), uuid=transfer)
    if services.decline(asked, by=user):
        messages.success(request, f"{asked.project} stays where it is.")
    return redirect("organization_settings", organization_uuid)

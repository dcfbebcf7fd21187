"""An organisation's settings: its name, who asks it to take a project, its data, its end. And the form that makes one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Organization
from accounts.services.create_organization import create_organization
from accounts.services.rename_organization import rename_organization
from accounts.services.roles import RefusedError
from builds.access import Right, organization_or_404, require, rights_of
from builds.models import Retention
from builds.organization_forms import OrganizationForm, RetentionForm
from builds.organization_rules import may_create
from builds.services.export import exports_of
from builds.services.retention import KINDS, of_instance, set_retention
from builds.services.transfer import asked_of
from builds.views.person import person


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """The form that makes an organisation, whose owner is who asks."""
    user = person(request)
    if not may_create(user):
        raise PermissionDenied("Only administrators make organisations here: ask one, or ask to be invited to yours.")
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = create_organization(form.cleaned_data["name"], user)
        return redirect("members", made.uuid)
    return render(request, "organizations/create.html", {"form": form}, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """The page; POST renames."""
    user = person(request)
    organization = organization_or_404(user, organization_uuid)
    form = OrganizationForm(request.POST or None, initial={"name": organization.name})
    if request.method == "POST":
        require(user, organization, Right.CHANGE_ORGANIZATION)
        if form.is_valid() and _renamed(request, organization, form):
            return redirect("organization_settings", organization_uuid)
    return page(request, organization, form=form, status=400 if form.errors else 200)


@require_POST
def retention(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """How long what builds leave is kept."""
    user = person(request)
    organization = organization_or_404(user, organization_uuid)
    require(user, organization, Right.CHANGE_ORGANIZATION)
    form = RetentionForm(request.POST, instance_has=of_instance())
    if not form.is_valid():
        return page(request, organization, retention_form=form, status=400)
    set_retention(organization, form.cleaned_data, who=user)
    messages.success(request, "Saved: what is older goes within the hour.")
    return redirect("organization_settings", organization_uuid)


def page(request: HttpRequest, organization: Organization, *, status: int = 200, **shown: Any) -> HttpResponse:
    """The page of settings with what `shown` replaces."""
    rights = rights_of(person(request), organization)
    may_take, may_export = Right.TRANSFER_PROJECT in rights, Right.EXPORT_ORGANIZATION in rights
    context = {
        "organization": organization,
        "tab": "settings",
        "form": OrganizationForm(initial={"name": organization.name}),
        "may_change": Right.CHANGE_ORGANIZATION in rights,
        "may_delete": Right.DELETE_ORGANIZATION in rights,
        "may_take": may_take,
        "may_export": may_export,
        "transfers": asked_of(organization) if may_take else [],
        "exports": exports_of(organization) if may_export else [],
        "retention_form": RetentionForm(initial=_days(organization), instance_has=of_instance()),
        **shown,
    }
    return render(request, "organizations/settings.html", context, status=status)


def _days(organization: Organization) -> dict[str, int | None]:
    return Retention.objects.filter(organization=organization).values(*KINDS).first() or {}


def _renamed(request: HttpRequest, organization: Organization, form: OrganizationForm) -> bool:
    try:
        rename_organization(organization, form.cleaned_data["name"], by=person(request))
    except RefusedError as refused:
        form.add_error("name", str(refused))
        return False
    messages.success(request, f"It is {organization.name} now; its short name is {organization.slug}.")
    return True

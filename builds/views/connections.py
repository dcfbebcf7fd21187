"""The page of an organisation's connections to git hosts: added, replaced, checked, removed."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Organization
from builds.access import Right
from builds.connection_form import ConnectionForm, CredentialsForm
from builds.models import Connection
from builds.models.connection import Provider
from builds.services import connections as service
from builds.views.person import organization_to_change, person


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def connections(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """The list, and the form that adds one."""
    user, organization = organization_to_change(request, organization_uuid, Right.CONNECT)
    form = ConnectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            made = service.add_connection(organization, typed["provider"], typed["url"], form.credentials(), who=user)
        except service.ConnectionError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            messages.success(request, f"Connected to {made.url} as {made.account}.")
            return redirect("git_hosts", organization_uuid)
    known = organization.connections.order_by("url", "pk").defer("token", "app_key").prefetch_related("projects")
    context = {
        "organization": organization,
        "tab": "connections",
        "connections": [(each, service.ends_soon(each)) for each in known],
        "form": form,
    }
    return render(request, "organizations/connections.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def connection(request: HttpRequest, organization_uuid: UUID, connection_uuid: UUID) -> HttpResponse:
    """One of them, and the form that gives it another token."""
    user, organization = organization_to_change(request, organization_uuid, Right.CONNECT)
    one = connection_or_404(organization, connection_uuid)
    form = CredentialsForm(request.POST or None, is_github=one.provider == Provider.GITHUB)
    if request.method == "POST" and form.is_valid():
        try:
            service.replace_credentials(one, form.credentials(), who=user)
        except service.ConnectionError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            messages.success(request, "The new one works and is kept; the one before it is forgotten.")
            return redirect("git_hosts", organization_uuid)
    context = {"organization": organization, "tab": "connections", "connection": one, "form": form}
    return render(request, "organizations/connection.html", context, status=400 if form.errors else 200)


@require_POST
def check(request: HttpRequest, organization_uuid: UUID, connection_uuid: UUID) -> HttpResponse:
    """Ask the host now."""
    _, organization = organization_to_change(request, organization_uuid, Right.CONNECT)
    one = connection_or_404(organization, connection_uuid)
    service.check_now(one)
    one.refresh_from_db()
    if one.problem:
        messages.error(request, one.problem)
    else:
        messages.success(request, f"{one.url} lets us in as {one.account}.")
    return redirect("git_hosts", organization_uuid)


@require_POST
def remove(request: HttpRequest, organization_uuid: UUID, connection_uuid: UUID) -> HttpResponse:
    """Forget it."""
    _, organization = organization_to_change(request, organization_uuid, Right.CONNECT)
    one = connection_or_404(organization, connection_uuid)
    try:
        service.remove_connection(one, who=person(request))
    except service.ConnectionError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The connection is forgotten. Revoke its token at the git host, too.")
    return redirect("git_hosts", organization_uuid)


def connection_or_404(organization: Organization, uuid: UUID) -> Connection:
    """One connection of the organisation."""
    return get_object_or_404(Connection.objects.select_related("organization"), organization=organization, uuid=uuid)

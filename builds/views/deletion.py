"""The pages on which a project or an organisation is deleted: they say what goes, and have the name typed."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from builds.access import Right
from builds.models import Build, Project
from builds.organization_forms import DeleteForm
from builds.services.delete_project import delete_organization, delete_project
from builds.views.person import organization_to_change, project_to_change


@require_http_methods(["GET", "HEAD", "POST"])
def project(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Delete a project."""
    user, its = project_to_change(request, uuid, Right.DELETE_PROJECT)
    form = DeleteForm(its.name, request.POST or None)
    if request.method == "POST" and form.is_valid():
        delete_project(its, by=user)
        messages.success(request, f"{its.name} is deleted; its files are removed within minutes.")
        return redirect("projects")
    context = {"project": its, "tab": "settings", "form": form, "count": Build.objects.filter(project=its).count()}
    return render(request, "organizations/delete_project.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def organization(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """Delete an organisation with all that it owns."""
    user, its = organization_to_change(request, organization_uuid, Right.DELETE_ORGANIZATION)
    form = DeleteForm(its.name, request.POST or None)
    if request.method == "POST" and form.is_valid():
        delete_organization(its, by=user)
        messages.success(request, f"{its.name} is deleted; its files are removed within minutes.")
        return redirect("projects")
    context = {
        "organization": its,
        "tab": "settings",
        "form": form,
        "projects": Project.objects.filter(organization=its).defer("hook_secret", "ssh_private_key").order_by("name"),
        "members": its.memberships.count(),
    }
    return render(request, "organizations/delete_organization.html", context, status=400 if form.errors else 200)

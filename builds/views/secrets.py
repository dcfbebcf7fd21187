"""Secrets and variables: those of an organisation, those of a project, and what a build is given of all of them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Organization
from builds.access import Right, organization_or_404, project_or_404, require
from builds.models import Project, SecretsGiven
from builds.secret_forms import GivenForm, OrganizationSecretForm, SecretForm
from builds.services.secret_report import secret_report
from builds.services.secrets import Place, SecretError, delete_secret, limit_to, put_secret, told, with_values
from builds.services.secrets_for import given
from builds.views.person import person

GIVEN_SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
def of_organization(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """An organisation's secrets, the form that sets one, and everything that would have to be rotated."""
    organization = _organization(request, organization_uuid)
    form = OrganizationSecretForm(organization, request.POST or None)
    if request.method == "POST" and form.is_valid() and put(request, organization, form):
        where = Place(organization, branch=form.cleaned_data["branch"])
        limit_to(where, form.cleaned_data["name"], form.cleaned_data["projects"], who=person(request))
        return redirect("organization_secrets", organization_uuid)
    context = {
        "organization": organization,
        "tab": "secrets",
        "secrets": with_values(told(organization.secrets.prefetch_related("projects"))),
        "secret_form": form,
        "may_change": True,
        "report": secret_report(organization),
    }
    return render(request, "organizations/secrets.html", context, status=400 if form.errors else 200)


@require_POST
def delete_of_organization(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """Remove one of an organisation's."""
    organization = _organization(request, organization_uuid)
    delete(request, Place(organization))
    return redirect("organization_secrets", organization_uuid)


@require_safe
def given_to_builds(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """What a build of some branch would be given, by name; and what jobs were given lately."""
    project = project_or_404(person(request), uuid)
    form = GivenForm(request.GET or None, initial={"branch": project.default_branch})
    asked = form.cleaned_data if form.is_valid() else {}
    branch = asked.get("branch") or project.default_branch
    rows = SecretsGiven.objects.filter(project=project).select_related("job__build").order_by("-at", "-pk")
    context = {
        "project": project,
        "tab": "settings",
        "form": form,
        "branch": branch,
        "environment": asked.get("environment", ""),
        "would_get": given(project, branch, asked.get("environment", "")),
        "lately": rows.only("given", "at", "attempt", "runner", "job__name", "job__build__number")[:GIVEN_SHOWN],
    }
    return render(request, "builds/secrets_given.html", context, status=400 if form.errors else 200)


def put(request: HttpRequest, owner: Project | Organization, form: SecretForm, environment: str = "") -> bool:
    """Set what a valid form says; False where that cannot be, which the form says then."""
    name, kind = form.cleaned_data["name"], form.cleaned_data["kind"]
    where = Place(owner, environment, form.cleaned_data["branch"])
    try:
        put_secret(where, name, form.cleaned_data["value"], who=person(request), kind=kind)
    except SecretError as error:
        form.add_error(None, str(error))
        return False
    whom = f"what goes to {environment}" if environment else "the builds"
    messages.success(request, f"{name} is set for {whom} from now on.")
    return True


def delete(request: HttpRequest, place: Place) -> None:
    """Remove the one that a request names, from this place or a branch of it."""
    name, branch = request.POST.get("name", "")[:200], request.POST.get("branch", "")[:200]
    where = f" from {place.environment}" if place.environment else ""
    if delete_secret(Place(place.owner, place.environment, branch), name, who=person(request)):
        messages.success(request, f"{name} is gone{where}.")


def _organization(request: HttpRequest, uuid: UUID) -> Organization:
    user = person(request)
    organization = organization_or_404(user, uuid)
    require(user, organization, Right.MANAGE_SECRETS)
    return organization

"""The page of one environment's secret variables, and what the project's settings say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_POST

from builds.access import Right, may_in, project_or_404, require_in
from builds.forms import SecretForm
from builds.models import Secret
from builds.services.secrets import Place, SecretError, delete_secret, put_secret, secrets_told
from builds.views.person import person
from deployments.models import Environment


@require_http_methods(["GET", "HEAD", "POST"])
def secrets(request: HttpRequest, uuid: UUID, environment_uuid: UUID) -> HttpResponse:
    """Names, who changed them when, and the form that sets one. No value is ever shown."""
    its = _environment(request, uuid, environment_uuid)
    form = SecretForm(request.POST or None)
    if request.method == "POST":
        require_in(person(request), its.project, Right.CHANGE_PROJECT)
        if form.is_valid() and _put(request, its, form):
            return redirect("environment_secrets", uuid, environment_uuid)
    context = {
        "project": its.project,
        "tab": "environments",
        "environment": its,
        "secrets": secrets_told(Place(its.project, its.name)),
        "of_project": secrets_told(its.project).values_list("name", flat=True),
        "secret_form": form,
        "may_change": may_in(person(request), its.project, Right.CHANGE_PROJECT),
    }
    return render(request, "deployments/secrets.html", context, status=400 if form.errors else 200)


@require_POST
def delete(request: HttpRequest, uuid: UUID, environment_uuid: UUID) -> HttpResponse:
    """Remove one."""
    its = _environment(request, uuid, environment_uuid)
    require_in(person(request), its.project, Right.CHANGE_PROJECT)
    name = request.POST.get("name", "")[:200]
    if delete_secret(Place(its.project, its.name), name, who=person(request)):
        messages.success(request, f"{name} is gone from {its.name}.")
    return redirect("environment_secrets", uuid, environment_uuid)


def of_settings(projects: Sequence[Any]) -> Mapping[int, SafeString]:
    """For the settings of each project: its environments, and how many secrets each has of its own."""
    keys = [project.pk for project in projects]
    rows = Secret.objects.filter(project__in=keys).exclude(environment="")
    counts = {(pk, name): n for pk, name, n in rows.values_list("project", "environment").annotate(n=Count("pk"))}
    found: dict[int, list[dict[str, Any]]] = {}
    for each in Environment.objects.filter(project__in=keys).select_related("project"):
        count = counts.get((each.project_id, each.name), 0)
        if count or not each.retired:
            found.setdefault(each.project_id, []).append({"environment": each, "count": count})
    template = "deployments/_secrets_of_environments.html"
    return {pk: SafeString(render_to_string(template, {"rows": rows})) for pk, rows in found.items()}


def _put(request: HttpRequest, its: Environment, form: SecretForm) -> bool:
    name = form.cleaned_data["name"]
    try:
        if its.retired:
            raise SecretError(f"{its.name} is no longer in the configuration.")
        put_secret(Place(its.project, its.name), name, form.cleaned_data["value"], who=person(request))
    except SecretError as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"{name} is set for what goes to {its.name} from now on.")
    return True


def _environment(request: HttpRequest, uuid: UUID, environment_uuid: UUID) -> Environment:
    project = project_or_404(person(request), uuid)
    rows = Environment.objects.select_related("project__organization")
    return get_object_or_404(rows, project=project, uuid=environment_uuid)

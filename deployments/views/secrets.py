"""The page of one environment's secret variables, and what the project's settings say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_POST

from builds.access import Right, may_in, project_or_404, require_in
from builds.models import Secret
from builds.secret_forms import SecretForm
from builds.services.secrets import Place, told, with_values
from builds.services.secrets_for import given
from builds.views.person import person
from builds.views.secrets import delete as delete_named
from builds.views.secrets import put
from deployments.models import Environment


@require_http_methods(["GET", "HEAD", "POST"])
def secrets(request: HttpRequest, uuid: UUID, environment_uuid: UUID) -> HttpResponse:
    """Names, who changed them when, and the form that sets one. No value is ever shown."""
    its = _environment(request, uuid, environment_uuid)
    form = SecretForm(request.POST or None)
    if request.method == "POST":
        require_in(person(request), its.project, Right.CHANGE_PROJECT)
        if form.is_valid() and _may_have(its, form) and put(request, its.project, form, its.name):
            return redirect("environment_secrets", uuid, environment_uuid)
    branch = its.source or its.project.default_branch
    context = {
        "project": its.project,
        "tab": "environments",
        "environment": its,
        "secrets": with_values(told(its.project.secrets.filter(environment=its.name))),
        "of_others": [each for each in given(its.project, branch, its.name) if not each.environment],
        "branch": branch,
        "secret_form": form,
        "may_change": may_in(person(request), its.project, Right.CHANGE_PROJECT),
    }
    return render(request, "deployments/secrets.html", context, status=400 if form.errors else 200)


@require_POST
def delete(request: HttpRequest, uuid: UUID, environment_uuid: UUID) -> HttpResponse:
    """Remove one."""
    its = _environment(request, uuid, environment_uuid)
    require_in(person(request), its.project, Right.CHANGE_PROJECT)
    delete_named(request, Place(its.project, its.name))
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


def _may_have(its: Environment, form: SecretForm) -> bool:
    """Nothing new for what nothing goes to."""
    if its.retired:
        form.add_error(None, f"{its.name} is no longer in the configuration.")
    return not its.retired


def _environment(request: HttpRequest, uuid: UUID, environment_uuid: UUID) -> Environment:
    project = project_or_404(person(request), uuid)
    rows = Environment.objects.select_related("project__organization")
    return get_object_or_404(rows, project=project, uuid=environment_uuid)

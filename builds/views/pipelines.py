"""Pipelines kept in a project's settings: edited with what they come to beside them, and exported as a file."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from builds.access import Right, may_in, project_or_404, require_in
from builds.kept_form import KeptForm
from builds.pipeline.basic import Kept, to_yaml
from builds.pipeline.plan import Problem
from builds.services.keep_pipelines import keep_pipelines, kept_of, kept_text, problems_of
from builds.views.person import person, project_to_change


@require_http_methods(["GET", "HEAD", "POST"])
def pipelines(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The form; what cannot run is not kept."""
    user = person(request)
    project = project_or_404(user, uuid)
    if request.method != "POST":
        kept = kept_of(project)
        form = KeptForm(kept)
        may_change = may_in(user, project, Right.CHANGE_PROJECT)
        context = {"project": project, "tab": "settings", "form": form, "may_change": may_change}
        return render(request, "builds/pipelines.html", {**context, **_outcome(kept, [])})
    require_in(user, project, Right.CHANGE_PROJECT)
    form = KeptForm.of_post(request.POST)
    kept = form.kept()
    problems = form.problems() or keep_pipelines(project, kept, who=user)
    if problems:
        context = {"project": project, "tab": "settings", "form": form, "may_change": True}
        return render(request, "builds/pipelines.html", {**context, **_outcome(kept, problems)}, status=400)
    messages.success(request, "Saved, for the builds from now on.")
    return redirect("project_pipelines", uuid)


@require_POST
def preview(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """What the form comes to as it stands, and what is wrong with it; nothing is kept."""
    _, project = project_to_change(request, uuid, Right.CHANGE_PROJECT)
    form = KeptForm.of_post(request.POST)
    kept = form.kept()
    problems = form.problems() or problems_of(project, kept)
    return render(request, "builds/_pipelines_preview.html", _outcome(kept, problems))


@require_safe
def export(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The ciservice.yml, to be put into the repository."""
    project = project_or_404(person(request), uuid)
    headers = {"Content-Disposition": 'attachment; filename="ciservice.yml"'}
    return HttpResponse(kept_text(project), content_type="application/yaml; charset=utf-8", headers=headers)


def _outcome(kept: Kept, problems: list[Problem]) -> dict[str, object]:
    return {"text": to_yaml(kept), "problems": problems}

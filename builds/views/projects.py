"""The page of projects, and the list of what runs now."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Organization
from builds.access import Right, organizations_of, readable_projects
from builds.models import Project
from builds.services.health import alive, live_runners
from builds.views import slots
from builds.views.choices import organizations_with_right
from builds.views.listing import project_lines, running_builds, waiting_builds
from builds.views.person import person


def _chosen(request: HttpRequest) -> tuple[Organization | None, QuerySet[Project]]:
    """The organisation named in the address, and the projects to show: all of the person's where none is named."""
    projects = readable_projects(request.user)
    slug = request.GET.get("organization", "")
    if not slug:
        return None, projects
    organization = organizations_of(request.user).filter(slug=slug).first()
    return organization, projects.filter(organization=organization)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """One row a project."""
    organization, projects = _chosen(request)
    lines = project_lines(projects)
    live = slots.fill("project_row", [line.project for line in lines])
    context = {
        "lines": [(line, live[line.project.pk]) for line in lines],
        "organization": organization,
        "may_create": organizations_with_right(person(request), Right.CREATE_PROJECT).exists(),
        "no_runner": not alive().exists(),
    }
    template = "builds/_projects.html" if request.GET.get("part") else "builds/projects.html"
    return render(request, template, context)


@require_safe
def running(request: HttpRequest) -> HttpResponse:
    """What runs and what waits, in all organisations of the person."""
    projects = readable_projects(request.user)
    context = {
        "running": running_builds(projects),
        "waiting": waiting_builds(projects),
        "runners": live_runners(),
    }
    template = "builds/_running.html" if request.GET.get("part") else "builds/running.html"
    return render(request, template, context)

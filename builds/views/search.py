"""The search over projects and builds: numbers, branches, commits, and the newest messages."""

from __future__ import annotations

import re

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from builds.access import SEALED, readable_projects
from builds.models import Build, Project
from builds.views.filters import MESSAGES_LOOKED_AT, with_commit
from builds.views.listing import HEAVY

SHOWN = 20
_COMMIT = re.compile(r"[0-9a-f]{4,64}")
_NUMBER = re.compile(r"#?(\d{1,9})")


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Every word must be found; words need not be whole."""
    query = request.GET.get("q", "").replace("\0", "").strip()[:200]
    projects = readable_projects(request.user)
    context = {"query": query, "projects": [], "builds": [], "messages_looked_at": MESSAGES_LOOKED_AT}
    if query:
        context["projects"] = _projects(projects, query)
        context["builds"] = _builds(projects, query)
    return render(request, "builds/search.html", context)


def _projects(projects: QuerySet[Project], query: str) -> list[Project]:
    for word in query.split()[:8]:
        projects = projects.filter(Q(name__icontains=word) | Q(repository_url__icontains=word))
    return list(projects.select_related("organization").defer(*SEALED).order_by("name")[:SHOWN])


def _builds(projects: QuerySet[Project], query: str) -> list[Build]:
    """Each way of finding is one bounded query by an index; the first that finds most to the point comes first."""
    found: dict[int, Build] = {}
    for builds in _ways(projects, query):
        newest = builds.select_related("project__organization", "requested_by").defer(*HEAVY).order_by("-pk")
        found.update({build.pk: build for build in newest[:SHOWN] if build.pk not in found})
        if len(found) >= SHOWN:
            break
    return list(found.values())[:SHOWN]


def _ways(projects: QuerySet[Project], query: str) -> list[QuerySet[Build]]:
    readable = Build.objects.filter(project__in=projects)
    ways = []
    if number := _NUMBER.fullmatch(query):
        ways.append(readable.filter(number=int(number[1])))
    if _COMMIT.fullmatch(query.lower()):
        ways.append(with_commit(readable, query.lower()))
    ways.append(readable.filter(branch=query))
    newest = readable.order_by("-pk").values("pk")[:MESSAGES_LOOKED_AT]
    messages = Build.objects.filter(pk__in=newest)
    for word in query.split()[:8]:
        messages = messages.filter(Q(message__icontains=word) | Q(branch__icontains=word))
    return [*ways, messages]

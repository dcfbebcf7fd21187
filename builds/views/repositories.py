"""Choose a repository at a git host: for a new project, or for one that is there."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from builds.access import Right
from builds.models import Connection, Project
from builds.providers.contract import Repository, RepositoryPage
from builds.providers.errors import ProviderError
from builds.providers.make import host_of
from builds.services import connect_repository as service
from builds.services.create_project import ProjectError
from builds.views.connections import connection_or_404
from builds.views.person import organization_to_change, project_to_change

_LAST_PAGE = 1000


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def choose(request: HttpRequest, organization_uuid: UUID, connection_uuid: UUID) -> HttpResponse:
    """Repositories that a new project could build; POST makes it, and its set-up begins."""
    user, organization = organization_to_change(request, organization_uuid, Right.CREATE_PROJECT)
    connection = connection_or_404(organization, connection_uuid)
    if request.method == "POST":
        try:
            made = service.create_from(connection, _chosen(request, connection), who=user)
        except (ProviderError, ProjectError) as error:
            return _page(request, connection, problem=str(error))
        return redirect("project_setup", made.uuid)
    return _page(request, connection)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def choose_for(request: HttpRequest, uuid: UUID, connection_uuid: UUID) -> HttpResponse:
    """The same for a project that is there; POST ties it to the repository."""
    user, project = project_to_change(request, uuid, Right.CHANGE_PROJECT)
    connection = connection_or_404(project.organization, connection_uuid)
    if request.method == "POST":
        try:
            service.connect(project, connection, _chosen(request, connection), who=user)
        except (ProviderError, ProjectError) as error:
            return _page(request, connection, project=project, problem=str(error))
        messages.success(request, f"Connected to {project.repository_name}.")
        return redirect("project_setup", uuid)
    return _page(request, connection, project=project)


def _chosen(request: HttpRequest, connection: Connection) -> Repository:
    return service.repository_at(
        connection, request.POST.get("repository", "")[:200], request.POST.get("name", "")[:300]
    )


def _page(
    request: HttpRequest, connection: Connection, *, project: Project | None = None, problem: str = ""
) -> HttpResponse:
    search, page = request.GET.get("q", "").strip()[:100], _number(request.GET.get("page", ""))
    status = 400 if problem else 200
    found = RepositoryPage((), has_more=False)
    try:
        found = host_of(connection).repositories(search, page)
    except ProviderError as error:
        problem = problem or str(error)
    context = {
        "connection": connection,
        "organization": connection.organization,
        "project": project,
        "tab": "settings",
        "repositories": [(each, _project_of(each.id, connection)) for each in found.repositories],
        "search": search,
        "page": page,
        "newer": page - 1,
        "older": page + 1 if found.has_more and page < _LAST_PAGE else 0,
        "problem": problem,
    }
    return render(request, "builds/repositories.html", context, status=status)


def _project_of(repository_id: str, connection: Connection) -> Project | None:
    """The project of the same organisation that builds it already."""
    known = Project.objects.filter(organization=connection.organization, connection=connection)
    return known.filter(repository_id=repository_id).only("uuid", "name").first()


def _number(typed: str) -> int:
    return (
        min(int(typed), _LAST_PAGE)
        if typed.isascii() and typed.isdecimal() and 0 < len(typed) < 6 and int(typed)
        else 1
    )

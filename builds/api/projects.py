"""Projects: list, show, create."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Router, Status
from ninja.errors import HttpError

from builds.access import Right, organization_or_404, project_pk_in_or_404, readable_projects, require
from builds.api.auth import Asked
from builds.api.paging import Paging, page_of
from builds.api.schemas import Errors, OneProject, OneProjectCreated, ProjectIn, ProjectPage
from builds.api.shapes import PROJECT_COLUMNS, project_json
from builds.models import Project
from builds.models.connection import Provider
from builds.services.create_project import ProjectError, create_project

router = Router(tags=["projects"])
_PROJECTS = "/organizations/{uuid:organization_uuid}/projects"

_ON_GITHUB = re.compile(r"(?:https?://|ssh://git@|git@)github\.com[:/]", re.IGNORECASE)


@router.get(_PROJECTS, response={200: ProjectPage, 404: Errors}, operation_id="list_projects")
def list_projects(request: Asked, organization_uuid: UUID, paging: Paging) -> HttpResponse:
    """The organisation's projects, by name."""
    organization = organization_or_404(request.auth, organization_uuid)
    readable = readable_projects(request.auth).filter(organization_id=organization.pk)
    rows = readable.order_by("name", "id").values(*PROJECT_COLUMNS)
    return page_of(request, rows, paging, "projects", project_json)


@router.post(
    _PROJECTS, response={201: OneProjectCreated, 400: Errors, 403: Errors, 404: Errors}, operation_id="create_project"
)
def make_project(request: Asked, organization_uuid: UUID, asked: ProjectIn) -> Status[dict[str, Any]]:
    """Make a project; its hook's secret is in this answer and in no other."""
    organization = organization_or_404(request.auth, organization_uuid)
    require(request.auth, organization, Right.CREATE_PROJECT)
    try:
        project = create_project(
            organization,
            name=asked.name or _name_in(asked.repository_url),
            repository_url=asked.repository_url,
            provider=asked.provider or _provider_of(asked.repository_url),
            default_branch=asked.default_branch,
            who=request.auth,
        )
    except ProjectError as problem:
        raise HttpError(400, f"{problem.field}: {problem}") from None
    row = Project.objects.values(*PROJECT_COLUMNS).get(pk=project.pk)
    return Status(201, {"project": {**project_json(row), "hook_secret": project.hook_secret}})


@router.get(f"{_PROJECTS}/{{uuid:project_uuid}}", response={200: OneProject, 404: Errors}, operation_id="show_project")
def show_project(request: Asked, organization_uuid: UUID, project_uuid: UUID) -> dict[str, Any]:
    """One project."""
    pk = project_pk_in_or_404(request.auth, organization_uuid, project_uuid)
    return {"project": project_json(Project.objects.values(*PROJECT_COLUMNS).get(pk=pk))}


def _name_in(repository_url: str) -> str:
    """The last two parts of an address, as people name repositories: shop/api."""
    parts = repository_url.removesuffix("/").removesuffix(".git").replace(":", "/").split("/")
    return "/".join(parts[-2:]).strip("/")


def _provider_of(repository_url: str) -> str:
    return Provider.GITHUB if _ON_GITHUB.match(repository_url) else Provider.GENERIC

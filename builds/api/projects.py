"""Projects: list, show, create, change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from ninja import Router, Status
from ninja.errors import HttpError

from builds.access import Right, organization_or_404, project_in_or_404, readable_projects, require, require_in
from builds.api.auth import Asked
from builds.api.paging import Paging, page_of
from builds.api.project_change import apply
from builds.api.project_schemas import OneProject, OneProjectCreated, ProjectIn, ProjectPage, ProjectUpdate
from builds.api.project_told import Told, one
from builds.api.schemas import Errors
from builds.models.connection import Provider
from builds.services.create_project import ProjectError, create_project
from builds.services.project_key import renew_key

router = Router(tags=["projects"])
_PROJECTS = "/organizations/{uuid:organization_uuid}/projects"
_PROJECT = f"{_PROJECTS}/{{uuid:project_uuid}}"
_REFUSALS = {400: Errors, 403: Errors, 404: Errors}
_ON_GITHUB = re.compile(r"(?:https?://|ssh://git@|git@)github\.com[:/]", re.IGNORECASE)
Result = TypeVar("Result")


@router.get(_PROJECTS, response={200: ProjectPage, 404: Errors}, operation_id="list_projects")
def list_projects(request: Asked, organization_uuid: UUID, paging: Paging) -> HttpResponse:
    """The organisation's projects that the token's person sees, by name."""
    organization = organization_or_404(request.auth, organization_uuid)
    projects = readable_projects(request.auth).filter(organization=organization).order_by("name", "id")
    return page_of(request, Told(projects), paging, "projects", lambda row: row)


@router.post(_PROJECTS, response={201: OneProjectCreated, **_REFUSALS}, operation_id="create_project")
def make_project(request: Asked, organization_uuid: UUID, asked: ProjectIn) -> Status[dict[str, Any]]:
    """Make a project; its hook's secret is in this answer and in no other."""
    organization = organization_or_404(request.auth, organization_uuid)
    require(request.auth, organization, Right.CREATE_PROJECT)
    with transaction.atomic():
        project = _or_400(
            lambda: create_project(
                organization,
                name=asked.name or _name_in(asked.repository_url),
                repository_url=asked.repository_url,
                provider=asked.provider or _provider_of(asked.repository_url),
                default_branch=asked.default_branch,
                who=request.auth,
            )
        )
        _or_400(lambda: apply(project, asked, who=request.auth, values={}))
    return Status(201, {"project": {**one(request, project), "hook_secret": project.hook_secret}})


@router.get(_PROJECT, response={200: OneProject, 404: Errors}, operation_id="show_project")
def show_project(request: Asked, organization_uuid: UUID, project_uuid: UUID) -> dict[str, Any]:
    """One project; with its AES key for who may change it."""
    return {"project": one(request, project_in_or_404(request.auth, organization_uuid, project_uuid))}


@router.put(_PROJECT, response={200: OneProject, **_REFUSALS}, operation_id="update_project")
def update_project(request: Asked, organization_uuid: UUID, project_uuid: UUID, asked: ProjectUpdate) -> dict[str, Any]:
    """Change a project: all that is given or nothing; what is given replaces all there is of it."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    require_in(request.auth, project, Right.CHANGE_PROJECT)
    given = asked.dict(include={"repository_url", "name", "default_branch"})
    values = {name: value for name, value in given.items() if value is not None}
    with transaction.atomic():
        _or_400(lambda: apply(project, asked, who=request.auth, values=values))
    return {"project": one(request, project)}


@router.post(f"{_PROJECT}/reset_aes_key", response={200: OneProject, **_REFUSALS}, operation_id="reset_aes_key")
def reset_aes_key(request: Asked, organization_uuid: UUID, project_uuid: UUID) -> dict[str, Any]:
    """Make a new key, which the answer has: what was encrypted with the old one does not open any more."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    require_in(request.auth, project, Right.CHANGE_PROJECT)
    renew_key(project, who=request.auth)
    return {"project": one(request, project)}


def _or_400(act: Callable[[], Result]) -> Result:
    try:
        return act()
    except ProjectError as problem:
        raise HttpError(400, f"{problem.field}: {problem}") from None


def _name_in(repository_url: str) -> str:
    """The last two parts of an address, as people name repositories: shop/api."""
    parts = repository_url.removesuffix("/").removesuffix(".git").replace(":", "/").split("/")
    return "/".join(parts[-2:]).strip("/")


def _provider_of(repository_url: str) -> str:
    return Provider.GITHUB if _ON_GITHUB.match(repository_url) else Provider.GENERIC

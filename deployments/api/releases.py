"""Releases: list, show, mark as what cannot be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Router
from ninja.errors import HttpError

from builds.access import project_in_or_404
from builds.api.auth import Asked
from builds.api.paging import Paging, page_of
from builds.api.schemas import Errors
from deployments.addresses import release_url
from deployments.api.finding import PROJECT, REFUSALS, release_of
from deployments.api.schemas import OneRelease, ReasonIn, ReleasePage
from deployments.api.shapes import release as release_json
from deployments.services.irreversible import MarkError, mark, unmark

router = Router(tags=["deployments"])
_RELEASES = f"{PROJECT}/releases"
_ONE = f"{_RELEASES}/{{int:number}}"
_COLUMNS = {
    "number": "number",
    "uuid": "uuid",
    "commit_sha": "commit",
    "commit_message": "build__message",
    "build_uuid": "build__uuid",
    "build_number": "build__number",
    "images": "images",
    "config_digest": "config_digest",
    "irreversible": "irreversible",
    "created_at": "created_at",
}


@router.get(_RELEASES, response={200: ReleasePage, 404: Errors}, operation_id="list_releases")
def list_releases(request: Asked, organization_uuid: UUID, project_uuid: UUID, paging: Paging) -> HttpResponse:
    """The releases of a project, the newest first."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    found = project.releases.order_by("-number").values(*_COLUMNS.values())
    return page_of(request, found, paging, "releases", lambda row: _listed(project_uuid, row))


@router.get(_ONE, response={200: OneRelease, 404: Errors}, operation_id="show_release")
def show_release(request: Asked, organization_uuid: UUID, project_uuid: UUID, number: int) -> dict[str, Any]:
    """One release: commit, images with their digests, digest of its configuration."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    return {"release": release_json(project_uuid, release_of(project, number))}


@router.post(f"{_ONE}/irreversible", response={200: OneRelease, **REFUSALS}, operation_id="mark_release")
def mark_release(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, number: int, asked: ReasonIn
) -> dict[str, Any]:
    """Say that it cannot be taken back: a rollback past it needs a reason of its own from then on."""
    return _say(
        request,
        (organization_uuid, project_uuid),
        number,
        lambda its: mark(its, user=request.auth, reason=asked.reason),
    )


@router.post(f"{_ONE}/reversible", response={200: OneRelease, **REFUSALS}, operation_id="unmark_release")
def unmark_release(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, number: int, asked: ReasonIn
) -> dict[str, Any]:
    """Say that it can be taken back after all."""
    return _say(
        request,
        (organization_uuid, project_uuid),
        number,
        lambda its: unmark(its, user=request.auth, reason=asked.reason),
    )


def _say(request: Asked, place: tuple[UUID, UUID], number: int, act: Callable[[Any], None]) -> dict[str, Any]:
    its = release_of(project_in_or_404(request.auth, *place), number)
    try:
        act(its)
    except MarkError as refused:
        raise HttpError(400, str(refused)) from None
    return {"release": release_json(place[1], its)}


def _listed(project_uuid: UUID, row: dict[str, Any]) -> dict[str, Any]:
    told = {name: row[column] for name, column in _COLUMNS.items()}
    return {**told, "url": release_url(project_uuid, row["number"])}

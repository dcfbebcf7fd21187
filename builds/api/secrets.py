"""Secrets and variables of a project: names and who changed them, set and removed; of what is secret no value is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from ninja import Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from builds.access import Right, project_in_or_404, require, require_in
from builds.api.auth import Asked
from builds.api.schemas import Errors
from builds.models import Job, Project, Secret
from builds.services.secrets import LONGEST_VALUE, Place, SecretError, delete_secret, put_secret, told, with_values

router = Router(tags=["secrets"])
_SECRETS = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/secrets"
REFUSALS = {400: Errors, 403: Errors, 404: Errors}


class GivenTo(Schema):
    """A job that was given a secret."""

    project_uuid: UUID
    build_number: int
    build_uuid: UUID
    job: str


class SecretOut(Schema):
    """One secret, without its value."""

    name: str
    kind: str = Field(description="secret, file (the variable holds its path), or variable: plain.")
    environment: str = Field(description="Whose deployments alone are given it; empty = every job.")
    branch: str = Field(description="The branch or pattern (tag:pattern) that is given it; empty = every one.")
    text: str | None = Field(description="Of a plain variable what it is set to; null = that is secret.")
    changed_at: datetime
    changed_by: str | None = Field(description="E-mail; null where that is not known.")
    given_at: datetime | None = Field(description="When a job was given it last; null = never.")
    given_to: GivenTo | None = Field(description="That job; null where it is not there any more.")


class SecretList(Schema):
    """The secrets of one place, by name."""

    secrets: list[SecretOut]


class SecretIn(Schema):
    """What to set a secret to."""

    value: str = Field(max_length=LONGEST_VALUE, description="It is sealed, masked in logs, and never told again.")
    kind: str = Field("secret", description="secret, file, or variable: that is plain, and told.")
    branch: str = Field("", description="Only for this branch, or pattern, or tag:pattern.")


@router.get(_SECRETS, response={200: SecretList, 404: Errors}, operation_id="list_secrets")
def list_secrets(request: Asked, organization_uuid: UUID, project_uuid: UUID) -> dict[str, Any]:
    """The secrets that every job of the project is given."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    return shape(told(project.secrets.filter(environment="")))


@router.put(f"{_SECRETS}/{{secret_name}}", response={204: None, **REFUSALS}, operation_id="put_secret")
def put_project_secret(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, secret_name: str, asked: SecretIn
) -> Status[None]:
    """Set a secret of every job, or replace the one of that name."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    return put(request, Place(project, branch=asked.branch), secret_name, asked)


@router.delete(f"{_SECRETS}/{{secret_name}}", response={204: None, **REFUSALS}, operation_id="delete_secret")
def delete_project_secret(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, secret_name: str, branch: str = ""
) -> Status[None]:
    """Remove a secret of every job, or with `branch` the one for these branches."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    return delete(request, Place(project, branch=branch[:200]), secret_name)


def shape(secrets: QuerySet[Secret]) -> dict[str, Any]:
    """As `SecretList` has them; of rows that `told` gave."""
    return {"secrets": [_shape(each) for each in with_values(secrets)]}


def _shape(secret: Any) -> dict[str, Any]:
    return {
        "name": secret.name,
        "kind": secret.kind,
        "environment": secret.environment,
        "branch": secret.branch,
        "text": secret.shown,
        "changed_at": secret.changed_at or secret.created_at,
        "changed_by": secret.changed_by.email if secret.changed_by else None,
        "given_at": secret.given_at,
        "given_to": given_to(secret.given_to),
    }


def given_to(job: Job | None) -> dict[str, Any] | None:
    """As `GivenTo` has it."""
    if job is None:
        return None
    build = job.build
    return {
        "project_uuid": build.project.uuid,
        "build_number": build.number,
        "build_uuid": build.uuid,
        "job": job.name,
    }


def put(request: Asked, place: Place, name: str, asked: SecretIn) -> Status[None]:
    """Set one in this place, for whoever may change its owner."""
    _require(request, place)
    try:
        put_secret(place, name, asked.value, who=request.auth, kind=asked.kind)
    except SecretError as error:
        raise HttpError(400, str(error)) from None
    return Status(204, None)


def delete(request: Asked, place: Place, name: str) -> Status[None]:
    """Remove one, likewise; Http404 where there is none of that name."""
    _require(request, place)
    if not delete_secret(place, name[:200], who=request.auth):
        raise Http404
    return Status(204, None)


def _require(request: Asked, place: Place) -> None:
    if isinstance(place.owner, Project):
        require_in(request.auth, place.owner, Right.CHANGE_PROJECT)
    else:
        require(request.auth, place.owner, Right.MANAGE_SECRETS)

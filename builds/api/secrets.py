"""Secret variables of a project: names and who changed them, set and removed; a value is never told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404
from ninja import Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from builds.access import Right, project_in_or_404, require_in
from builds.api.auth import Asked
from builds.api.schemas import Errors
from builds.models import Project, Secret
from builds.services.secrets import LONGEST_VALUE, Place, SecretError, delete_secret, put_secret, secrets_told

router = Router(tags=["secrets"])
_SECRETS = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/secrets"
REFUSALS = {400: Errors, 403: Errors, 404: Errors}


class SecretOut(Schema):
    """One secret, without its value."""

    name: str
    environment: str = Field(description="Whose deployments alone are given it; empty = every job.")
    changed_at: datetime
    changed_by: str | None = Field(description="E-mail; null where that is not known.")


class SecretList(Schema):
    """The secrets of one place, by name."""

    secrets: list[SecretOut]


class SecretIn(Schema):
    """What to set a secret to."""

    value: str = Field(max_length=LONGEST_VALUE, description="It is sealed, masked in logs, and never told again.")


@router.get(_SECRETS, response={200: SecretList, 404: Errors}, operation_id="list_secrets")
def list_secrets(request: Asked, organization_uuid: UUID, project_uuid: UUID) -> dict[str, Any]:
    """The secrets that every job of the project is given."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    return shape(secrets_told(project))


@router.put(f"{_SECRETS}/{{secret_name}}", response={204: None, **REFUSALS}, operation_id="put_secret")
def put_project_secret(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, secret_name: str, asked: SecretIn
) -> Status[None]:
    """Set a secret of every job, or replace the one of that name."""
    return put(request, project_in_or_404(request.auth, organization_uuid, project_uuid), secret_name, asked)


@router.delete(f"{_SECRETS}/{{secret_name}}", response={204: None, **REFUSALS}, operation_id="delete_secret")
def delete_project_secret(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, secret_name: str
) -> Status[None]:
    """Remove a secret of every job."""
    return delete(request, project_in_or_404(request.auth, organization_uuid, project_uuid), secret_name)


def shape(secrets: Iterable[Secret]) -> dict[str, Any]:
    """As `SecretList` has them."""
    told = [
        {
            "name": each.name,
            "environment": each.environment,
            "changed_at": each.changed_at or each.created_at,
            "changed_by": each.changed_by.email if each.changed_by else None,
        }
        for each in secrets
    ]
    return {"secrets": told}


def put(request: Asked, project: Project, name: str, asked: SecretIn, *, environment: str = "") -> Status[None]:
    """Set one of a project, or of an environment, for whoever may change the project's settings."""
    require_in(request.auth, project, Right.CHANGE_PROJECT)
    try:
        put_secret(Place(project, environment), name, asked.value, who=request.auth)
    except SecretError as error:
        raise HttpError(400, str(error)) from None
    return Status(204, None)


def delete(request: Asked, project: Project, name: str, *, environment: str = "") -> Status[None]:
    """Remove one, likewise; Http404 where there is none of that name."""
    require_in(request.auth, project, Right.CHANGE_PROJECT)
    if not delete_secret(Place(project, environment), name[:200], who=request.auth):
        raise Http404
    return Status(204, None)

"""Secret variables of one environment in the API: only its deployments and their checks are given them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from ninja.errors import HttpError

from builds.access import project_in_or_404
from builds.api import secrets as api
from builds.api.auth import Asked
from builds.api.schemas import Errors
from builds.services.secrets import Place, told
from deployments.models import Environment

router = Router(tags=["secrets"])
_SECRETS = (
    "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/environments/{uuid:environment_uuid}/secrets"
)


@router.get(_SECRETS, response={200: api.SecretList, 404: Errors}, operation_id="list_environment_secrets")
def list_environment_secrets(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, environment_uuid: UUID
) -> dict[str, Any]:
    """The environment's own secrets; its deployments are given the project's too."""
    its = _environment(request, organization_uuid, project_uuid, environment_uuid)
    return api.shape(told(its.project.secrets.filter(environment=its.name)))


@router.put(f"{_SECRETS}/{{secret_name}}", response={204: None, **api.REFUSALS}, operation_id="put_environment_secret")
def put_environment_secret(
    request: Asked,
    organization_uuid: UUID,
    project_uuid: UUID,
    environment_uuid: UUID,
    secret_name: str,
    asked: api.SecretIn,
) -> Status[None]:
    """Set a secret of the environment, or replace the one of that name; it wins over the project's."""
    its = _environment(request, organization_uuid, project_uuid, environment_uuid)
    if its.retired:
        raise HttpError(400, f"{its.name} is no longer in the configuration")
    return api.put(request, Place(its.project, its.name, asked.branch), secret_name, asked)


@router.delete(
    f"{_SECRETS}/{{secret_name}}", response={204: None, **api.REFUSALS}, operation_id="delete_environment_secret"
)
def delete_environment_secret(
    request: Asked,
    organization_uuid: UUID,
    project_uuid: UUID,
    environment_uuid: UUID,
    secret_name: str,
    branch: str = "",
) -> Status[None]:
    """Remove a secret of the environment; its deployments are given the project's of that name, if there is one."""
    its = _environment(request, organization_uuid, project_uuid, environment_uuid)
    return api.delete(request, Place(its.project, its.name, branch[:200]), secret_name)


def _environment(request: Asked, organization_uuid: UUID, project_uuid: UUID, environment_uuid: UUID) -> Environment:
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    rows = Environment.objects.select_related("project__organization")
    return get_object_or_404(rows, project=project, uuid=environment_uuid)

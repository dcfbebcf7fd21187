"""Environments: list them, deploy there, roll back there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from ninja import Router, Status
from ninja.errors import HttpError

from builds.access import project_in_or_404
from builds.api.auth import Asked
from builds.api.schemas import Errors
from deployments.api.deployments import told_of
from deployments.api.finding import PROJECT, REFUSALS, environment_to_change, release_of
from deployments.api.schemas import DeployIn, EnvironmentList, OneDeployment, RollbackIn
from deployments.api.shapes import environment as environment_json
from deployments.services.request import RefusedError, request_by_hand
from deployments.services.rollback import rollback
from deployments.views.board import columns

router = Router(tags=["deployments"])
_ENVIRONMENT = f"{PROJECT}/environments/{{uuid:environment_uuid}}"


@router.get(f"{PROJECT}/environments", response={200: EnvironmentList, 404: Errors}, operation_id="list_environments")
def list_environments(request: Asked, organization_uuid: UUID, project_uuid: UUID) -> HttpResponse:
    """The environments of a project: their gates, what is live and its health, and what comes."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    shown = [environment_json(project_uuid, column) for column in columns(project)]
    return JsonResponse({"environments": shown})


@router.post(f"{_ENVIRONMENT}/deploy", response={202: OneDeployment, **REFUSALS}, operation_id="deploy")
def deploy(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, environment_uuid: UUID, asked: DeployIn
) -> Status[dict[str, Any]]:
    """Deploy a release; it goes when the environment is free and nothing holds it."""
    environment = environment_to_change(request, organization_uuid, project_uuid, environment_uuid)
    release = release_of(environment.project, asked.release)
    user = request.auth
    try:
        made = request_by_hand(environment, release, user=user, who=user.email, reason=asked.reason.strip())
    except RefusedError as refusal:
        raise HttpError(400, str(refusal)) from None
    return Status(202, told_of(project_uuid, made))


@router.post(f"{_ENVIRONMENT}/rollback", response={202: OneDeployment, **REFUSALS}, operation_id="rollback")
def roll_back(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, environment_uuid: UUID, asked: RollbackIn
) -> Status[dict[str, Any]]:
    """Bring a release back that was live there before; what rolls out is stopped. It waits for no window and no approval."""
    environment = environment_to_change(request, organization_uuid, project_uuid, environment_uuid)
    release = release_of(environment.project, asked.release)
    user = request.auth
    try:
        made = rollback(environment, release, user=user, who=user.email, reason=asked.reason, override=asked.override)
    except RefusedError as refusal:
        raise HttpError(400, str(refusal)) from None
    return Status(202, told_of(project_uuid, made))

"""Environments and deployments in the API: list, show, deploy, roll back, stop."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from builds.access import Right, project_in_or_404, require
from builds.api.auth import Asked
from builds.api.paging import Paging, page_of
from builds.api.schemas import Errors
from deployments.addresses import deployment_url
from deployments.models import Deployment, Environment
from deployments.services.cancel import cancel
from deployments.services.request import RefusedError, request_by_hand
from deployments.services.rollback import rollback
from deployments.views.board import Column, columns

router = Router(tags=["deployments"])
_PROJECT = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}"
_ENVIRONMENT = f"{_PROJECT}/environments/{{uuid:environment_uuid}}"
_DEPLOYMENTS = f"{_PROJECT}/deployments"
_REFUSALS = {400: Errors, 403: Errors, 404: Errors}
_COLUMNS = {
    "uuid": "uuid",
    "state": "status",
    "reason": "reason",
    "environment": "environment__name",
    "environment_uuid": "environment__uuid",
    "release": "release__number",
    "commit_sha": "release__commit",
    "build_uuid": "release__build__uuid",
    "automatic": "automatic",
    "rollback": "is_rollback",
    "request_reason": "request_reason",
    "previous_release": "previous__number",
    "requested_at": "created_at",
    "started_at": "started_at",
    "live_at": "live_at",
    "finished_at": "finished_at",
}


class DeploymentOut(Schema):
    """One release on its way to one environment."""

    uuid: UUID
    state: str
    reason: str
    environment: str
    environment_uuid: UUID
    release: int
    commit_sha: str
    build_uuid: UUID
    automatic: bool
    rollback: bool
    request_reason: str
    previous_release: int | None
    requested_at: datetime
    started_at: datetime | None
    live_at: datetime | None
    finished_at: datetime | None
    url: str


class OneDeployment(Schema):
    """A deployment."""

    deployment: DeploymentOut


class DeploymentPage(Schema):
    """A page of deployments, the newest first."""

    deployments: list[DeploymentOut]
    total: int
    per_page: int
    page: int


class EnvironmentOut(Schema):
    """A place that releases go to: what is live, and what is on its way, the next one first."""

    uuid: UUID
    name: str
    branch: str
    after: str
    retired: bool
    live: DeploymentOut | None
    coming: list[DeploymentOut]


class EnvironmentList(Schema):
    """The environments of a project in the order of promotion."""

    environments: list[EnvironmentOut]


class DeployIn(Schema):
    """Which release to deploy."""

    release: int = Field(ge=1, le=2_000_000_000, description="Its number in the project.")
    reason: str = Field("", max_length=1000)


class RollbackIn(Schema):
    """Which release to bring back, and why."""

    release: int = Field(ge=1, le=2_000_000_000, description="Its number; it was live there before.")
    reason: str = Field(min_length=1, max_length=1000)


@router.get(f"{_PROJECT}/environments", response={200: EnvironmentList, 404: Errors}, operation_id="list_environments")
def list_environments(request: Asked, organization_uuid: UUID, project_uuid: UUID) -> HttpResponse:
    """The environments of a project, with what is live and what comes."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    shown = columns(project)
    wanted = [row.deployment.pk for column in shown for row in [*column.coming, column.live] if row is not None]
    rows = Deployment.objects.filter(pk__in=wanted).values("pk", *_COLUMNS.values())
    known = {row["pk"]: _shape(project_uuid, row) for row in rows}
    return JsonResponse({"environments": [_environment_json(column, known) for column in shown]})


@router.get(_DEPLOYMENTS, response={200: DeploymentPage, 404: Errors}, operation_id="list_deployments")
def list_deployments(request: Asked, organization_uuid: UUID, project_uuid: UUID, paging: Paging) -> HttpResponse:
    """The deployments of a project, the newest first."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    rows = Deployment.objects.filter(environment__project=project).order_by("-id").values(*_COLUMNS.values())
    return page_of(request, rows, paging, "deployments", lambda row: _shape(project_uuid, row))


@router.get(
    f"{_DEPLOYMENTS}/{{uuid:deployment_uuid}}",
    response={200: OneDeployment, 404: Errors},
    operation_id="show_deployment",
)
def show_deployment(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID
) -> dict[str, Any]:
    """One deployment."""
    return _deployment_json(_deployment(request, organization_uuid, project_uuid, deployment_uuid))


@router.post(f"{_ENVIRONMENT}/deploy", response={202: OneDeployment, **_REFUSALS}, operation_id="deploy")
def deploy(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, environment_uuid: UUID, asked: DeployIn
) -> Status[dict[str, Any]]:
    """Deploy a release; it goes when the environment is free."""
    environment = _environment_to_change(request, organization_uuid, project_uuid, environment_uuid)
    release = get_object_or_404(environment.project.releases.select_related("build"), number=asked.release)
    user = request.auth
    try:
        made = request_by_hand(environment, release, user=user, who=user.email, reason=asked.reason.strip())
    except RefusedError as refusal:
        raise HttpError(400, str(refusal)) from None
    return Status(202, _deployment_json(made))


@router.post(f"{_ENVIRONMENT}/rollback", response={202: OneDeployment, **_REFUSALS}, operation_id="rollback")
def roll_back(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, environment_uuid: UUID, asked: RollbackIn
) -> Status[dict[str, Any]]:
    """Bring a release back that was live there before."""
    environment = _environment_to_change(request, organization_uuid, project_uuid, environment_uuid)
    release = get_object_or_404(environment.project.releases.select_related("build"), number=asked.release)
    try:
        made = rollback(environment, release, user=request.auth, who=request.auth.email, reason=asked.reason)
    except RefusedError as refusal:
        raise HttpError(400, str(refusal)) from None
    return Status(202, _deployment_json(made))


@router.post(
    f"{_DEPLOYMENTS}/{{uuid:deployment_uuid}}/stop",
    response={202: OneDeployment, **_REFUSALS},
    operation_id="stop_deployment",
)
def stop_deployment(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID
) -> Status[dict[str, Any]]:
    """Stop a deployment; one that has ended stays as it ended."""
    deployment = _deployment(request, organization_uuid, project_uuid, deployment_uuid)
    require(request.auth, deployment.environment.project.organization, Right.DEPLOY)
    cancel(deployment, who=request.auth.email, reason=f"Stopped by {request.auth}")
    return Status(202, _deployment_json(deployment))


def _deployment(request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID) -> Deployment:
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    rows = Deployment.objects.select_related("environment__project__organization")
    return get_object_or_404(rows, environment__project=project, uuid=deployment_uuid)


def _environment_to_change(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, environment_uuid: UUID
) -> Environment:
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    environment = get_object_or_404(project.environments.select_related("project"), uuid=environment_uuid)
    require(request.auth, project.organization, Right.DEPLOY)
    return environment


def _deployment_json(deployment: Deployment) -> dict[str, Any]:
    row = Deployment.objects.values(*_COLUMNS.values()).get(pk=deployment.pk)
    return {"deployment": _shape(deployment.environment.project.uuid, row)}


def _shape(project_uuid: UUID, row: dict[str, Any]) -> dict[str, Any]:
    told = {name: row[column] for name, column in _COLUMNS.items()}
    return {**told, "url": deployment_url(project_uuid, row["uuid"])}


def _environment_json(column: Column, known: dict[int, dict[str, Any]]) -> dict[str, Any]:
    environment = column.environment
    return {
        "uuid": environment.uuid,
        "name": environment.name,
        "branch": environment.branch,
        "after": environment.after,
        "retired": environment.retired,
        "live": known.get(column.live.deployment.pk) if column.live else None,
        "coming": [known[row.deployment.pk] for row in column.coming if row.deployment.pk in known],
    }

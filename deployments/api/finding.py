"""What an address of the API names, for whoever may see it."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404

from builds.access import Right, project_in_or_404, require_in
from builds.api.auth import Asked
from builds.api.schemas import Errors
from builds.models import Project
from deployments.models import Deployment, Environment, Release

ORGANIZATION = "/organizations/{uuid:organization_uuid}"
PROJECT = f"{ORGANIZATION}/projects/{{uuid:project_uuid}}"
REFUSALS = {400: Errors, 403: Errors, 404: Errors}


def deployment_of(request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID) -> Deployment:
    """One deployment, with its environment, project and organisation."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    rows = Deployment.objects.select_related("environment__project__organization", "release__build")
    return get_object_or_404(rows, environment__project=project, uuid=deployment_uuid)


def deployment_to_change(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID, *, right: Right = Right.DEPLOY
) -> Deployment:
    """The same, for whoever may change it."""
    deployment = deployment_of(request, organization_uuid, project_uuid, deployment_uuid)
    require_in(request.auth, deployment.environment.project, right)
    return deployment


def environment_to_change(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, environment_uuid: UUID
) -> Environment:
    """An environment, for whoever may deploy there."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    rows = project.environments.select_related("project__organization")
    environment = get_object_or_404(rows, uuid=environment_uuid)
    require_in(request.auth, project, Right.DEPLOY)
    return environment


def release_of(project: Project, number: int) -> Release:
    """A release by its number, with its build and its project's organisation."""
    rows = project.releases.select_related("build", "project__organization")
    return get_object_or_404(rows, number=number)

"""Freezes of an organisation and its environments: list, make, lift."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Status
from ninja.errors import HttpError

from accounts.models import Organization
from builds.access import Right, organization_or_404, readable_projects, require, require_in
from builds.api.auth import Asked
from builds.api.schemas import Errors
from deployments.api.finding import ORGANIZATION, REFUSALS
from deployments.api.schemas import FreezeIn, FreezeList, OneFreeze
from deployments.api.shapes import freeze as freeze_json
from deployments.models import Environment, Freeze
from deployments.services.freezes import freeze, thaw
from deployments.services.request import RefusedError

router = Router(tags=["deployments"])
_FREEZES = f"{ORGANIZATION}/freezes"


@router.get(_FREEZES, response={200: FreezeList, 404: Errors}, operation_id="list_freezes")
def list_freezes(request: Asked, organization_uuid: UUID) -> dict[str, Any]:
    """Those that hold or come."""
    organization = organization_or_404(request.auth, organization_uuid)
    found = _freezes(request, organization).filter(ends_at__gt=timezone.now())
    return {"freezes": [freeze_json(each) for each in found.select_related("environment", "created_by")]}


@router.post(_FREEZES, response={201: OneFreeze, **REFUSALS}, operation_id="make_freeze")
def make_freeze(request: Asked, organization_uuid: UUID, asked: FreezeIn) -> Status[dict[str, Any]]:
    """Keep releases from an environment, or from all. Those on their way go on; what waits goes by itself at the end."""
    organization = organization_or_404(request.auth, organization_uuid)
    environment = None
    if asked.environment_uuid is not None:
        seen = readable_projects(request.auth).filter(organization=organization)
        environments = Environment.objects.filter(project__in=seen).select_related("project")
        environment = get_object_or_404(environments, uuid=asked.environment_uuid)
    _require(request, organization, environment)
    try:
        made = freeze(
            organization,
            environment=environment,
            starts_at=asked.starts_at or timezone.now(),
            ends_at=asked.ends_at,
            reason=asked.reason,
            user=request.auth,
        )
    except RefusedError as refused:
        raise HttpError(400, str(refused)) from None
    return Status(201, {"freeze": freeze_json(made)})


@router.delete(f"{_FREEZES}/{{uuid:freeze_uuid}}", response={200: OneFreeze, **REFUSALS}, operation_id="lift_freeze")
def lift_freeze(request: Asked, organization_uuid: UUID, freeze_uuid: UUID) -> dict[str, Any]:
    """Lift a freeze: what it held goes, where nothing else holds it."""
    organization = organization_or_404(request.auth, organization_uuid)
    rows = _freezes(request, organization).select_related("organization", "environment__project")
    found = get_object_or_404(rows, uuid=freeze_uuid)
    _require(request, organization, found.environment)
    told = freeze_json(found)
    thaw(found, user=request.auth)
    return {"freeze": told}


def _freezes(request: Asked, organization: Organization) -> QuerySet[Freeze]:
    """Those of all environments, and of environments that the person sees."""
    seen = Q(environment=None) | Q(environment__project__in=readable_projects(request.auth))
    return Freeze.objects.filter(seen, organization=organization)


def _require(request: Asked, organization: Organization, environment: Environment | None) -> None:
    if environment is None:
        require(request.auth, organization, Right.CHANGE_ORGANIZATION)
    else:
        require_in(request.auth, environment.project, Right.CHANGE_PROJECT)

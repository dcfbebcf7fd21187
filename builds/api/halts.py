"""The switch that stops all new work, of one organisation or of the whole instance."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from ninja import Router, Schema, Status
from pydantic import Field

from accounts.models import User
from builds.access import Right, organization_or_404, organizations_of, require
from builds.api.auth import Asked
from builds.api.schemas import Errors
from builds.models import Halt
from builds.services.halt import halt, holding, resume

router = Router(tags=["halts"])
_OF_ORGANIZATION = "/organizations/{uuid:organization_uuid}/halt"
_REFUSALS = {400: Errors, 403: Errors, 404: Errors}


class HaltIn(Schema):
    """Why no new work begins."""

    reason: str = Field(min_length=1, max_length=500)
    stop_running: bool = Field(default=False, description="Stop what runs, too.")


class HaltOut(Schema):
    """A halt that holds; `organization_uuid` null = everybody's work."""

    uuid: UUID
    organization_uuid: UUID | None
    reason: str
    by: str | None
    began_at: datetime


class HaltList(Schema):
    """Those that hold, the oldest first."""

    halts: list[HaltOut]


class OneHalt(Schema):
    """A halt."""

    halt: HaltOut


@router.get("/halts", response=HaltList, operation_id="list_halts")
def list_halts(request: Asked) -> HttpResponse:
    """What holds for the organisations of the token's person."""
    mine = list(organizations_of(request.auth).values_list("pk", flat=True)[:500])
    return JsonResponse({"halts": [_json(each) for each in holding(mine)]})


@router.post("/halt", response={201: OneHalt, **_REFUSALS}, operation_id="halt_everything")
def halt_everything(request: Asked, asked: HaltIn) -> Status[dict[str, Any]]:
    """Let no new job begin anywhere; for administrators of the instance."""
    made = halt(None, user=_administrator(request), reason=asked.reason, stop_running=asked.stop_running)
    return Status(201, {"halt": _json(made)})


@router.delete("/halt", response={204: None, **_REFUSALS}, operation_id="resume_everything")
def resume_everything(request: Asked) -> Status[None]:
    """Lift the halts of the whole instance; what is halted in one organisation stays so."""
    resume(None, user=_administrator(request))
    return Status(204, None)


@router.post(_OF_ORGANIZATION, response={201: OneHalt, **_REFUSALS}, operation_id="halt_organization")
def halt_organization(request: Asked, organization_uuid: UUID, asked: HaltIn) -> Status[dict[str, Any]]:
    """Let no new job of the organisation begin."""
    organization = organization_or_404(request.auth, organization_uuid)
    require(request.auth, organization, Right.HALT)
    made = halt(organization, user=request.auth, reason=asked.reason, stop_running=asked.stop_running)
    return Status(201, {"halt": _json(made)})


@router.delete(_OF_ORGANIZATION, response={204: None, **_REFUSALS}, operation_id="resume_organization")
def resume_organization(request: Asked, organization_uuid: UUID) -> Status[None]:
    """Let its work go again."""
    organization = organization_or_404(request.auth, organization_uuid)
    require(request.auth, organization, Right.HALT)
    resume(organization, user=request.auth)
    return Status(204, None)


def _administrator(request: Asked) -> User:
    if not request.auth.is_superuser:
        raise PermissionDenied("Only an administrator of this instance may halt all work.")
    return request.auth


def _json(made: Halt) -> dict[str, Any]:
    return {
        "uuid": made.uuid,
        "organization_uuid": made.organization.uuid if made.organization else None,
        "reason": made.reason,
        "by": str(made.by) if made.by else None,
        "began_at": made.began_at,
    }

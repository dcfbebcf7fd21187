"""Approving a build that waits for a person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ninja import Router, Status
from ninja.errors import HttpError

from builds.access import Right, build_in_or_404, require_in
from builds.api.auth import Asked
from builds.api.schemas import Errors, OneBuild
from builds.api.shapes import BUILD_COLUMNS, BuildShape
from builds.models import Build
from builds.services.approve import approve

router = Router(tags=["builds"])
_BUILD = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/builds/{uuid:build_uuid}"


@router.post(
    f"{_BUILD}/approve", response={202: OneBuild, 400: Errors, 403: Errors, 404: Errors}, operation_id="approve_build"
)
def approve_build(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID
) -> Status[dict[str, Any]]:
    """Let the manual steps of a waiting build run: all of it runs once more, with CI_BUILD_APPROVED."""
    build = build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid)
    require_in(request.auth, build.project, Right.APPROVE)
    if not approve(build, user=request.auth):
        raise HttpError(400, f"Build #{build.number} does not wait for approval.")
    row = Build.objects.values(*BUILD_COLUMNS).get(pk=build.pk)
    return Status(202, {"build": BuildShape(organization_uuid, project_uuid)(row)})

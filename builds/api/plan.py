"""What a build runs, for whoever repeats it elsewhere."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from ninja import Router, Schema
from ninja.errors import HttpError

from builds.access import build_in_or_404
from builds.api.auth import Asked
from builds.api.schemas import Errors
from builds.models import Job
from builds.services.variables import variables

router = Router(tags=["builds"])
_BUILD = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/builds/{uuid:build_uuid}"


class PlanOut(Schema):
    """The resolved configuration of a build; what it has encrypted is here as it stands in the repository."""

    number: int
    commit_sha: str
    variables: dict[str, str]
    plan: dict[str, Any]


@router.get(f"{_BUILD}/plan", response={200: PlanOut, 404: Errors}, operation_id="show_plan")
def show_plan(request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID) -> HttpResponse:
    """The plan as it was made of the commit, and the plain variables; never the project's secrets or its key."""
    build = build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid)
    if build.plan is None:
        raise HttpError(404, f"Build #{build.number} has no plan: it waits for it, or could not be planned.")
    return JsonResponse(
        {
            "number": build.number,
            "commit_sha": build.commit,
            "variables": variables(Job(build=build)),
            "plan": build.plan,
        }
    )

"""Artifacts: the list of a build's, and their bytes."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from builds.access import build_in_or_404
from builds.api.auth import Asked, AsyncTokenAuth
from builds.api.schemas import Errors
from builds.logs.hub import in_thread
from builds.models import Artifact
from builds.streaming import file_answer

router = Router(tags=["artifacts"])
_ARTIFACTS = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/builds/{uuid:build_uuid}/artifacts"
_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


class ArtifactOut(Schema):
    """One file that a job kept."""

    uuid: UUID
    pipeline: str
    path: str
    size: int
    sha256: str
    created_at: datetime


class ArtifactList(Schema):
    """All of a build's, by pipeline and path."""

    artifacts: list[ArtifactOut]


@router.get(_ARTIFACTS, response={200: ArtifactList, 404: Errors}, operation_id="list_artifacts")
def list_artifacts(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID
) -> dict[str, list[ArtifactOut]]:
    """What the build's jobs have kept."""
    build = build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid)
    rows = Artifact.objects.filter(job__build=build).select_related("job").order_by("job__position", "path")
    return {"artifacts": [_shape(row) for row in rows]}


@router.get(
    f"{_ARTIFACTS}/{{uuid:artifact_uuid}}",
    auth=AsyncTokenAuth(),
    response={404: Errors},
    operation_id="download_artifact",
    openapi_extra={"responses": {200: {"description": "The file", **_BYTES}}},
)
async def download_artifact(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID, artifact_uuid: UUID
) -> HttpResponseBase:
    """The file's bytes."""
    build = await in_thread(partial(build_in_or_404, request.auth, organization_uuid, project_uuid, build_uuid))
    found = await in_thread(partial(get_object_or_404, Artifact, uuid=artifact_uuid, job__build=build))
    return await in_thread(partial(file_answer, found.storage_name, found.path, found.size))


def _shape(row: Artifact) -> ArtifactOut:
    return ArtifactOut(
        uuid=row.uuid,
        pipeline=row.job.name,
        path=row.path,
        size=row.size,
        sha256=row.sha256,
        created_at=row.created_at,
    )

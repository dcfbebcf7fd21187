"""What CodeShip showed of a build's pipelines (Basic) and services (Pro)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Router

from builds.access import build_in_or_404
from builds.api.auth import Asked
from builds.api.paging import Paging, page_of
from builds.api.schemas import Errors, Metrics, PipelinePage, ServicePage
from builds.api.service_names import service_uuid
from builds.models import Build, Job
from builds.models.job import JobKind
from builds.states import CODESHIP_STATUS, Status

router = Router(tags=["builds"])
_BUILD = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/builds/{uuid:build_uuid}"
_COLUMNS = [
    *("uuid", "kind", "name", "status", "reason", "attempt", "owner"),
    *("created_at", "started_at", "finished_at"),
]
Row = dict[str, Any]


@router.get(f"{_BUILD}/pipelines", response={200: PipelinePage, 404: Errors}, operation_id="list_pipelines")
def list_pipelines(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID, paging: Paging
) -> HttpResponse:
    """The pipelines of a build in the order of its plan, and the steps of its deployments after them."""
    build = build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid)
    jobs = Job.objects.filter(build=build).exclude(kind=JobKind.CHECK).order_by("-kind", "position", "id")
    return page_of(request, jobs.values(*_COLUMNS), paging, "pipelines", lambda row: _pipeline(build_uuid, row))


@router.get(f"{_BUILD}/services", response={200: ServicePage, 404: Errors}, operation_id="list_services")
def list_services(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID, paging: Paging
) -> HttpResponse:
    """The services of a build's plan, by name; none before it is planned."""
    build = build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid)
    return page_of(request, _Services(build), paging, "services", lambda row: row)


class _Services:
    """The services of a build as pages are cut from them."""

    def __init__(self, build: Build) -> None:
        self._build = build
        pipelines: Iterable[Mapping[str, Any]] = (build.plan or {}).get("pipelines", ())
        self._names = sorted({service["name"] for pipeline in pipelines for service in pipeline.get("services", ())})

    def count(self) -> int:
        """How many there are."""
        return len(self._names)

    def __getitem__(self, places: slice) -> list[Row]:
        """Those at `places`."""
        return [_service(self._build, name) for name in self._names[places]]


def _service(build: Build, name: str) -> Row:
    begun = build.started_at is not None
    return {
        "uuid": service_uuid(build.uuid, name),
        "build_uuid": build.uuid,
        "name": name,
        "status": "finished" if build.is_final else "running" if begun else "waiting",
        "pulling_at": build.started_at,
        "building_at": build.started_at,
        "created_at": build.created_at,
        "updated_at": build.finished_at or build.started_at or build.created_at,
        "finished_at": build.finished_at,
    }


def _pipeline(build_uuid: UUID, row: Row) -> Row:
    return {
        "uuid": row["uuid"],
        "build_uuid": build_uuid,
        "type": "build" if row["kind"] == JobKind.PIPELINE else "deploy",
        "name": row["name"],
        "state": row["status"],
        "status": CODESHIP_STATUS[Status(row["status"])],
        "reason": row["reason"],
        "attempt": row["attempt"],
        "created_at": row["created_at"],
        "started_at": row["started_at"],
        "updated_at": row["finished_at"] or row["started_at"] or row["created_at"],
        "finished_at": row["finished_at"],
        "metrics": _metrics(row["owner"], row["started_at"], row["finished_at"]),
    }


def _metrics(owner: str, started_at: datetime | None, finished_at: datetime | None) -> Row:
    took = (finished_at - started_at) // timedelta(seconds=1) if started_at and finished_at else None
    known = {"instance_id": owner, "duration": "" if took is None else str(max(0, took))}
    return {name: known.get(name, "") for name in Metrics.model_fields}

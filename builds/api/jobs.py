"""The jobs of a build: where each stands, and why it waits, with an estimate."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from builds.access import build_in_or_404
from builds.api.auth import Asked
from builds.api.schemas import Errors
from builds.models import Build, Job
from builds.services.labels import asked
from builds.services.waiting import Why
from builds.services.waiting_of import needs, why_jobs, why_waiting
from builds.states import Status

router = Router(tags=["builds"])
_BUILD = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/builds/{uuid:build_uuid}"


class JobOut(Schema):
    """A job: one pipeline of the build, or the steps of a deployment."""

    uuid: UUID
    name: str
    kind: str
    state: str
    reason: str
    labels: list[str]
    attempt: int
    runner: str
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    waiting_reason: str = Field(description="One sentence; empty where it does not wait.")
    estimated_start: datetime | None


class JobList(Schema):
    """The jobs of a build; `waiting_reason` is for the build as a whole."""

    waiting_reason: str
    estimated_start: datetime | None
    jobs: list[JobOut]


@router.get(f"{_BUILD}/jobs", response={200: JobList, 404: Errors}, operation_id="list_jobs")
def list_jobs(request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID) -> HttpResponse:
    """The jobs by position, deployments' last."""
    build = build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid)
    jobs = _jobs(build)
    found = why_jobs([job for job in jobs if job.status == Status.QUEUED])
    now = timezone.now()
    shown = [_json(job, found.get(job.pk) or Why(reason=needs(job, jobs)), now) for job in jobs]
    return JsonResponse({**_told(_of_build(build, jobs), now), "jobs": shown})


def waiting_json(build: Build) -> dict[str, Any]:
    """Why a build waits, and until when, for its JSON."""
    return _told(_of_build(build, None), timezone.now())


def _of_build(build: Build, jobs: list[Job] | None) -> Why:
    if build.status != Status.QUEUED:
        return Why(reason="")
    return why_waiting(build, _jobs(build) if jobs is None else jobs)


def _jobs(build: Build) -> list[Job]:
    return list(Job.objects.filter(build=build).defer("record", "variables").order_by("position", "pk"))


def _json(job: Job, why: Why, now: datetime) -> dict[str, Any]:
    return {
        "uuid": job.uuid,
        "name": job.name,
        "kind": job.kind,
        "state": job.status,
        "reason": job.reason,
        "labels": sorted(asked(job.labels)),
        "attempt": job.attempt,
        "runner": job.owner,
        "queued_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        **_told(why if job.status in {Status.QUEUED, Status.BLOCKED} else Why(reason=""), now),
    }


def _told(why: Why, now: datetime) -> dict[str, Any]:
    begins = None if why.seconds is None else now + timedelta(seconds=round(why.seconds))
    return {"waiting_reason": why.reason, "estimated_start": begins}

"""Runners: who is alive and what runs, for every token; to pause, drain, revoke and join is for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from ninja import Body, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from accounts.models import Organization, User
from builds.access import readable_builds
from builds.addresses import build_paths
from builds.api.auth import Asked
from builds.api.schemas import Errors
from builds.models import Runner
from builds.models.runner import Serves
from builds.services import fleet
from builds.services.join import LIFE, JoinError, make_join_token
from builds.services.runner_lines import RunnerJob, RunnerLine, runner_lines

router = Router(tags=["runners"])
_REFUSALS = {400: Errors, 403: Errors, 404: Errors}
_RUNNER = "/runners/{int:runner_id}"


class RunnerJobOut(Schema):
    """A job that a runner has; `build_url` only where the token's person may see it."""

    name: str
    started_at: datetime | None
    build_url: str | None


class RunnerOut(Schema):
    """A runner. `state`: ready, paused, draining, hindered, gone, left or revoked."""

    id: int
    name: str
    state: str
    closed: str = Field(description="Why it takes no jobs now, to be read after its name; empty = it does.")
    labels: list[str]
    serves: str
    organization: str | None = Field(description="The one that it works for; null = all.")
    capacity: int
    used: int
    executor: str
    version: str
    is_old: bool = Field(description="Older than this web server.")
    note: str
    started_at: datetime
    seen_at: datetime
    jobs: list[RunnerJobOut]


class RunnerList(Schema):
    """All of them, those that are alive first."""

    runners: list[RunnerOut]


class OneRunner(Schema):
    """A runner."""

    runner: RunnerOut


class PauseIn(Schema):
    """Why it is paused."""

    reason: str = Field("", max_length=300)


class JoinIn(Schema):
    """Whose jobs the new runner takes."""

    serves: Serves = Serves.ALL
    organization_uuid: UUID | None = Field(None, description="The one organisation that it works for; null = all.")


class JoinOut(Schema):
    """A token for one machine, shown once, and the line to type there."""

    token: str
    expires_in: int = Field(description="Seconds.")
    command: str


@router.get("/runners", response=RunnerList, operation_id="list_runners")
def list_runners(request: Asked) -> HttpResponse:
    """Who is alive, what they offer and what they run, as far as the token's person may see it."""
    return JsonResponse({"runners": [_json(line) for line in _lines(request.auth)]})


@router.post(f"{_RUNNER}/pause", response={200: OneRunner, **_REFUSALS}, operation_id="pause_runner")
def pause_runner(request: Asked, runner_id: int, asked: Body[PauseIn | None] = None) -> HttpResponse:
    """Have it take no new jobs; what it runs goes on."""
    user = _administrator(request)
    _named(runner_id)
    fleet.pause(runner_id, user=user, reason=asked.reason if asked else "")
    return _one(user, runner_id)


@router.post(f"{_RUNNER}/resume", response={200: OneRunner, **_REFUSALS}, operation_id="resume_runner")
def resume_runner(request: Asked, runner_id: int) -> HttpResponse:
    """Have it take jobs again."""
    user = _administrator(request)
    _named(runner_id)
    fleet.resume(runner_id, user=user)
    return _one(user, runner_id)


@router.post(f"{_RUNNER}/drain", response={200: OneRunner, **_REFUSALS}, operation_id="drain_runner")
def drain_runner(request: Asked, runner_id: int) -> HttpResponse:
    """Have it end what it runs and then its process, as SIGTERM does."""
    user = _administrator(request)
    _named(runner_id)
    fleet.drain(runner_id, user=user)
    return _one(user, runner_id)


@router.post(f"{_RUNNER}/revoke", response={200: OneRunner, **_REFUSALS}, operation_id="revoke_runner")
def revoke_runner(request: Asked, runner_id: int) -> HttpResponse:
    """Take its jobs from it for good."""
    user = _administrator(request)
    _named(runner_id)
    fleet.revoke(runner_id, user=user)
    return _one(user, runner_id)


@router.delete(_RUNNER, response={204: None, **_REFUSALS}, operation_id="forget_runner")
def forget_runner(request: Asked, runner_id: int) -> Status[None]:
    """Remove the row of one that is gone."""
    user = _administrator(request)
    _named(runner_id)
    try:
        fleet.forget(runner_id, user=user)
    except fleet.FleetError as error:
        raise HttpError(400, str(error)) from error
    return Status(204, None)


@router.post("/runners/tokens", response={201: JoinOut, **_REFUSALS}, operation_id="create_join_token")
def create_join_token(request: Asked, asked: Body[JoinIn | None] = None) -> Status[dict[str, Any]]:
    """A token with which one machine may join within an hour."""
    user, asked = _administrator(request), asked or JoinIn(organization_uuid=None)
    organization = None
    if asked.organization_uuid is not None:
        organization = Organization.objects.filter(uuid=asked.organization_uuid).first()
        if organization is None:
            raise HttpError(400, "organization_uuid: there is no such organisation.")
    try:
        raw = make_join_token(user, organization=organization, serves=asked.serves)
    except JoinError as error:
        raise HttpError(400, str(error)) from error
    command = f"ciservice join {settings.PUBLIC_URL} {raw}"
    return Status(201, {"token": raw, "expires_in": int(LIFE.total_seconds()), "command": command})


def _administrator(request: Asked) -> User:
    if not request.auth.is_superuser:
        raise PermissionDenied("Only an administrator of this instance may do that.")
    return request.auth


def _named(runner_id: int) -> None:
    if not Runner.objects.filter(pk=runner_id).exists():
        raise Http404


def _lines(user: User) -> list[RunnerLine]:
    return runner_lines(readable_builds(user), sees_all=user.is_superuser)


def _one(user: User, runner_id: int) -> HttpResponse:
    line = next((line for line in _lines(user) if line.runner.pk == runner_id), None)
    if line is None:
        raise Http404
    return JsonResponse({"runner": _json(line)})


def _json(line: RunnerLine) -> dict[str, Any]:
    runner = line.runner
    return {
        "id": runner.pk,
        "name": runner.name,
        "state": line.state,
        "closed": line.closed,
        "labels": runner.labels,
        "serves": runner.serves,
        "organization": str(runner.organization.uuid) if runner.organization else None,
        "capacity": runner.capacity,
        "used": line.used,
        "executor": runner.executor,
        "version": runner.version,
        "is_old": line.is_old,
        "note": runner.note,
        "started_at": runner.started_at,
        "seen_at": runner.seen_at,
        "jobs": [_job(job) for job in line.jobs],
    }


def _job(job: RunnerJob) -> dict[str, Any]:
    address = None
    if job.build is not None:
        address = settings.PUBLIC_URL + build_paths(job.build.project.uuid)(job.build.number)
    return {"name": job.name, "started_at": job.since, "build_url": address}

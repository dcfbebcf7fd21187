"""Builds: list, show, create, stop, restart, and their steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from ninja import Body, Router, Status
from ninja.errors import HttpError

from accounts.compiled import Compiled
from builds.access import BuildSpan, Right, build_in_or_404, builds_in_or_404, project_in_or_404, require_in
from builds.api.auth import Asked
from builds.api.jobs import waiting_json
from builds.api.paging import Listed, Paging, page_of
from builds.api.schemas import BuildIn, BuildPage, BuildRecord, Errors, OneBuild, RestartIn, StepPage
from builds.api.shapes import BUILD_COLUMNS, STEP_COLUMNS, BuildShape, record_json
from builds.models import Build, Project
from builds.models.build import Trigger
from builds.refs import branch_of, is_commit, is_ref
from builds.services.cancel import cancel
from builds.services.replay import ReplayError, ran, replay
from builds.services.retry import retry
from builds.services.trigger import BuildRequest, trigger
from builds.services.verdict import newest_steps

router = Router(tags=["builds"])
_BUILDS = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/builds"
_BUILD = f"{_BUILDS}/{{uuid:build_uuid}}"
_REFUSALS = {400: Errors, 403: Errors, 404: Errors}


@router.get(_BUILDS, response={200: BuildPage, 404: Errors}, operation_id="list_builds")
def list_builds(request: Asked, organization_uuid: UUID, project_uuid: UUID, paging: Paging) -> HttpResponse:
    """The project's builds, the newest first."""
    span = builds_in_or_404(request.auth, organization_uuid, project_uuid)
    return page_of(request, _Builds(span), paging, "builds", BuildShape(organization_uuid, project_uuid))


class _Builds:
    """A project's builds, the newest first. Numbers have no gaps, so that neither the total nor a late page reads others."""

    def __init__(self, span: BuildSpan) -> None:
        self._span = span

    def count(self) -> int:
        """How many there are."""
        return self._span.newest - self._span.oldest + 1 if self._span.newest else 0

    def __getitem__(self, places: slice) -> Iterator[dict[str, Any]]:
        """Those at `places`."""
        newest = self._span.newest
        rows = _BETWEEN.rows(self._span.project_pk, newest - places.stop, newest - places.start)
        return (dict(zip(BUILD_COLUMNS, row, strict=True)) for row in rows)


_BETWEEN = Compiled(
    lambda project_pk, above, upto: (
        Build.objects.filter(project_id=project_pk, number__gt=above, number__lte=upto)
        .order_by("-number")
        .values_list(*BUILD_COLUMNS)
    ),
    *(7, 8, 9),
)


@router.post(_BUILDS, response={202: OneBuild, **_REFUSALS}, operation_id="create_build")
def create_build(request: Asked, organization_uuid: UUID, project_uuid: UUID, asked: BuildIn) -> Status[dict[str, Any]]:
    """Build a commit of a branch or tag, or the newest. A commit that this ref has built before is built again."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    require_in(request.auth, project, Right.RESTART_BUILD)
    wanted, user = _request_of(asked), request.auth
    before = None if wanted.pipelines else _built_before(project, wanted)
    if before is None:
        build = trigger(project, wanted, who=user.email, requested_by=user)
    else:
        build = retry(before, requested_by=user, who=user.email)
    return Status(202, _build_json(organization_uuid, project_uuid, build))


def _built_before(project: Project, wanted: BuildRequest) -> Build | None:
    """The newest whole build of this commit on this ref, with what the git host said of it."""
    if not wanted.commit:
        return None
    builds = Build.objects.filter(commit=wanted.commit, project=project, ref=wanted.ref, only__isnull=True)
    return builds.select_related("project").defer("plan").order_by("-number").first()


def _request_of(asked: BuildIn) -> BuildRequest:
    ref = f"refs/{asked.ref.removeprefix('refs/')}"
    _, branch = branch_of(ref)
    if not branch or not is_ref(ref):
        raise HttpError(400, "ref: name a branch or a tag in full, such as heads/main or tags/v1.")
    if asked.commit_sha and not is_commit(asked.commit_sha):
        raise HttpError(400, "commit_sha: give the whole commit id, 40 hex digits in lower case.")
    pipelines = tuple(dict.fromkeys(asked.pipelines))
    return BuildRequest(ref=ref, branch=branch, commit=asked.commit_sha, trigger=Trigger.MANUAL, pipelines=pipelines)


@router.get(_BUILD, response={200: OneBuild, 404: Errors}, operation_id="show_build")
def show_build(request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID) -> HttpResponse:
    """One build."""
    build = build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid)
    return JsonResponse(_build_json(organization_uuid, project_uuid, build))


@router.post(f"{_BUILD}/restart", response={202: OneBuild, **_REFUSALS}, operation_id="restart_build")
def restart_build(
    request: Asked,
    organization_uuid: UUID,
    project_uuid: UUID,
    build_uuid: UUID,
    asked: Body[RestartIn | None] = None,
) -> Status[dict[str, Any]]:
    """Build the same commit again, as a new build: the answer has it. `exactly`: with what it ran with then."""
    build = build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid)
    require_in(request.auth, build.project, Right.RESTART_BUILD)
    if not build.is_final:
        raise HttpError(400, f"Build #{build.number} has not ended yet: stop it first.")
    try:
        run = replay if asked is not None and asked.exactly else retry
        again = run(build, requested_by=request.auth, who=request.auth.email)
    except ReplayError as error:
        raise HttpError(400, f"Build #{build.number} cannot be run exactly as then: {error}") from error
    return Status(202, _build_json(organization_uuid, project_uuid, again))


@router.get(f"{_BUILD}/record", response={200: BuildRecord, 404: Errors}, operation_id="show_record")
def show_record(request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID) -> HttpResponse:
    """What the jobs of its pipelines ran with; none for a job that did not run, or before such records were kept."""
    build = build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid)
    return JsonResponse({"jobs": [record_json(job) for job in ran(build)]})


@router.post(f"{_BUILD}/stop", response={202: OneBuild, **_REFUSALS}, operation_id="stop_build")
def stop_build(request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID) -> Status[dict[str, Any]]:
    """Stop a build; one that has ended stays as it ended."""
    build = build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid)
    require_in(request.auth, build.project, Right.STOP_BUILD)
    cancel(build, who=request.auth.email, reason=f"Stopped by {request.auth}.")
    return Status(202, _build_json(organization_uuid, project_uuid, build))


@router.get(f"{_BUILD}/steps", response={200: StepPage, 404: Errors}, operation_id="list_steps")
def list_steps(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID, paging: Paging
) -> HttpResponse:
    """The steps of each pipeline's newest attempt, as trees; none before a runner has taken it."""
    build = build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid)
    rows = newest_steps(build).values(*STEP_COLUMNS)
    trees = BuildShape(organization_uuid, project_uuid).steps(build_uuid, list(rows))
    return page_of(request, Listed(trees), paging, "steps", lambda tree: tree)


def _build_json(organization_uuid: UUID, project_uuid: UUID, build: Build) -> dict[str, Any]:
    row = Build.objects.values(*BUILD_COLUMNS).get(pk=build.pk)
    return {"build": {**BuildShape(organization_uuid, project_uuid)(row), **waiting_json(build)}}

"""The tree of a build: jobs, their attempts, their steps, flat and in the order of reading, each with its level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from builds.models import Build, Job, JobMove, Step
from builds.models.job import JobKind
from builds.pipeline.plan import pipeline_from_json
from builds.services.steps import path_text, walk
from builds.states import BROKEN, FINAL, Status

_DULL = frozenset({Status.PASSED, Status.SKIPPED})


@dataclass(frozen=True)
class Node:
    """One row of the tree. Only rows with a `step` can be opened."""

    key: str  # unique on the page, the same after a refresh
    name: str
    status: str
    level: int  # 1 = at the top
    what: str  # "Step", "Group", "Job", "Attempt"
    step: Step | None = None
    detail: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    is_parent: bool = False
    is_open: bool = True


@dataclass(frozen=True)
class BuildRows:
    """Everything of a build that its page shows, read in four queries."""

    build: Build
    jobs: list[Job]
    steps: list[Step]
    lost: dict[tuple[int, int], str]  # (job, attempt) -> why that attempt ended without an end
    paused: frozenset[tuple[int, int]] = frozenset()  # attempts that ended well, to wait for a person

    @property
    def newest_steps(self) -> list[Step]:
        """Those of the pipelines' newest attempts: they decide the verdict."""
        attempts = {job.pk: job.attempt for job in self.jobs if job.kind == JobKind.PIPELINE}
        return [step for step in self.steps if attempts.get(step.job_id) == step.attempt]


def read_rows(build: Build) -> BuildRows:
    """The jobs of `build` by position, and their steps by attempt and place."""
    jobs = list(Job.objects.filter(build=build).defer("record").order_by("position", "pk"))
    jobs.sort(key=lambda job: job.kind != JobKind.PIPELINE)
    order = {job.pk: number for number, job in enumerate(jobs)}
    steps = list(Step.objects.filter(job__in=jobs).order_by("attempt", "position"))
    steps.sort(key=lambda step: order[step.job_id])
    ended = (Status.QUEUED, Status.WAITING)
    moves = list(JobMove.objects.filter(job__in=jobs, came_from=Status.RUNNING, went_to__in=ended))
    lost = {
        (move.job_id, move.attempt): move.reason or "its runner was lost"
        for move in moves
        if move.went_to == Status.QUEUED
    }
    paused = frozenset((move.job_id, move.attempt) for move in moves if move.went_to == Status.WAITING)
    by_pk = {job.pk: job for job in jobs}
    for job in jobs:
        job.build = build
    for step in steps:
        step.job = by_pk[step.job_id]
    return BuildRows(build, jobs, steps, lost, paused)


def nodes(rows: BuildRows, *, chosen: Step | None) -> list[Node]:
    """The rows of the tree; what failed or runs is open, and whatever leads to `chosen`."""
    several = len(rows.jobs) > 1
    broken = any(job.status in BROKEN for job in rows.jobs)
    found: list[Node] = []
    for job in rows.jobs:
        dull = several and job.status in _DULL and (broken or len(rows.jobs) > 3)
        is_open = not dull or (chosen is not None and chosen.job_id == job.pk)
        if several:
            found.append(_job_node(job, is_open=is_open))
        found += _attempts(rows, job, level=2 if several else 1, chosen=chosen)
    return found


_KINDS = {JobKind.DEPLOYMENT.value: "Deployment", JobKind.CHECK.value: "Check"}


def _job_node(job: Job, *, is_open: bool) -> Node:
    return Node(
        key=f"job-{job.uuid}",
        name=job.name,
        status=job.status,
        level=1,
        what=_KINDS.get(job.kind, "Job"),
        detail=_KINDS.get(job.kind, "").lower() or _needs(job),
        started_at=job.started_at,
        finished_at=job.finished_at,
        is_parent=True,
        is_open=is_open,
    )


def _needs(job: Job) -> str:
    """What it waits for; or that its failure changes nothing."""
    if job.may_fail and job.status == Status.FAILED:
        return "allowed to fail"
    return f"needs {', '.join(job.spec['needs'])}" if job.status == Status.BLOCKED else ""


def _attempts(rows: BuildRows, job: Job, *, level: int, chosen: Step | None) -> Iterator[Node]:
    mine = [step for step in rows.steps if step.job_id == job.pk]
    earlier = sorted({step.attempt for step in mine if step.attempt != job.attempt} | _lost_attempts(rows, job))
    for attempt in earlier:
        steps = [step for step in mine if step.attempt == attempt]
        is_open = chosen is not None and chosen.job_id == job.pk and chosen.attempt == attempt
        yield _attempt_node(rows, job, attempt, steps, level=level, is_open=is_open)
        yield from _step_nodes(steps, level=level + 1)
    newest = [step for step in mine if step.attempt == job.attempt and attempt_is_shown(rows, job, step.attempt)]
    yield from _step_nodes(newest, level=level) if newest else _planned(job, level=level)


def _lost_attempts(rows: BuildRows, job: Job) -> set[int]:
    return {attempt for job_pk, attempt in rows.lost if job_pk == job.pk}


def attempt_is_shown(rows: BuildRows, job: Job, attempt: int) -> bool:
    """Whether the attempt is the present one: a job that waits again after a loss has none until it is claimed."""
    return (job.pk, attempt) not in rows.lost


def _attempt_node(rows: BuildRows, job: Job, attempt: int, steps: Sequence[Step], *, level: int, is_open: bool) -> Node:
    its = (job.pk, attempt)
    is_paused = its in rows.paused
    return Node(
        key=f"attempt-{job.uuid}-{attempt}",
        name=f"Attempt {attempt}",
        status=Status.PASSED if is_paused else Status.ERRORED,
        level=level,
        what="Attempt",
        detail="then it waited for approval" if is_paused else rows.lost.get(its, "ended without an end"),
        started_at=min((step.started_at for step in steps if step.started_at), default=None),
        finished_at=max((step.finished_at for step in steps if step.finished_at), default=None),
        is_parent=bool(steps),
        is_open=is_open,
    )


def _step_nodes(steps: Iterable[Step], *, level: int) -> Iterator[Node]:
    for step in steps:
        group = step.is_group
        yield Node(
            key=f"step-{step.uuid}",
            name=step.name,
            status=step.status,
            level=level + step.depth,
            what="Group" if group else "Step",
            step=None if group else step,
            detail="in parallel" if step.kind == "parallel" else "",
            started_at=step.started_at,
            finished_at=step.finished_at,
            is_parent=group,
        )


def _planned(job: Job, *, level: int) -> Iterator[Node]:
    """What the plan will run, before a runner has it."""
    status = Status.SKIPPED if job.status in FINAL else Status.QUEUED
    for path, spec in walk(pipeline_from_json(job.spec).steps):
        yield Node(
            key=f"plan-{job.uuid}-{path_text(path)}",
            name=spec.name,
            status=Status.SKIPPED if spec.skip else status,
            level=level + len(path) - 1,
            what="Group" if spec.kind.is_group else "Step",
            detail=spec.skip,
            is_parent=spec.kind.is_group,
        )


def choose_step(rows: BuildRows, wanted: str) -> Step | None:
    """The step whose log is shown: the one in the address, else the first that failed, runs, or ran last."""
    runs = [step for step in rows.steps if not step.is_group]
    for step in runs:
        if str(step.uuid) == wanted:
            return step
    newest = [step for step in rows.newest_steps if not step.is_group]
    for states in (BROKEN, {Status.RUNNING}):
        if found := next((step for step in newest if step.status in states), None):
            return found
    began = [step for step in newest if step.started_at is not None]
    return max(began, key=lambda step: (step.started_at, step.position), default=None) or next(iter(newest), None)

"""Gathers why jobs wait: eight queries, however many jobs there are, of which none reads more than heads of the queue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median

from django.db.models import Count, F
from django.utils import timezone

from accounts.models import Organization
from builds.models import Build, Halt, Job, Runner
from builds.services.forecast import Place, Queue, Running, Waiting
from builds.services.halt import holding
from builds.services.health import live_runners
from builds.services.waiting import Why, why_each
from builds.states import FINAL, Status

_MOST_LINES = 20
_MOST_RUNNING = 2000
_MOST_LANES = 60
_MOST_OF_A_LANE = 60
_BUILDS_BACK = 12
_UNKNOWN_SECONDS = 60.0
_LEAST_LEFT_SECONDS = 5.0

_HEADS = """
SELECT job.*, build.project_id AS project_id FROM ({lanes}) AS job JOIN builds_build build ON build.id = job.build_id"""
_LANE = """SELECT * FROM (SELECT id, build_id, organization_id, name, labels, priority, not_before, attempt FROM builds_job
WHERE status = 'queued' AND labels = %s AND organization_id = %s
ORDER BY labels, organization_id, priority DESC, not_before, id LIMIT {most}) AS lane{number}"""

Key = tuple[int, str]  # project, name of the job


def why_waiting(build: Build, jobs: Sequence[Job]) -> Why:
    """Why a build has not begun: for its first job that waits. `jobs` are all of it."""
    if not jobs:
        return Why(reason=_why_unplanned(build))
    waiting = [job for job in jobs if job.status == Status.QUEUED]
    if waiting:
        return why_jobs(waiting)[waiting[0].pk]
    blocked = next((job for job in jobs if job.status == Status.BLOCKED), None)
    return Why(reason="" if blocked is None else needs(blocked, jobs))


def waiting_lines(build: Build, jobs: Sequence[Job]) -> list[str]:
    """For the page of a build: why it waits, or why some of its jobs do while others run; nothing where none waits."""
    if build.status == Status.QUEUED:
        reason = why_waiting(build, jobs).reason
        return [reason] if reason else []
    waiting = [job for job in jobs if job.status == Status.QUEUED][:_MOST_LINES]
    found = why_jobs(waiting)
    by_reason: dict[str, list[str]] = defaultdict(list)
    for job in waiting:
        by_reason[found[job.pk].reason].append(job.name)
    return [f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def why_jobs(jobs: Sequence[Job]) -> dict[int, Why]:
    """Why each of these queued jobs waits, by primary key."""
    if not jobs:
        return {}
    now = timezone.now()
    heads, lanes = _heads({(job.organization_id, job.labels) for job in jobs})
    running = list(
        Job.objects.filter(status=Status.RUNNING)
        .annotate(project_id=F("build__project_id"))
        .only("pk", "organization_id", "owner", "started_at", "name")[:_MOST_RUNNING]
    )
    usual = _usual(each.project_id for each in (*heads, *running))  # type: ignore[attr-defined]  # annotated
    typical = median(usual.values()) if usual else _UNKNOWN_SECONDS
    known = {job.pk for job in heads}
    missing = [job for job in jobs if job.pk not in known]
    organizations = Organization.objects.in_bulk({job.organization_id for job in (*heads, *running, *missing)})
    queue = Queue(
        places=[_place(runner) for runner in live_runners()],
        running=[_running(job, usual, typical, now) for job in running],
        waiting=[_waiting(job, usual, typical, now) for job in heads],
        limits={pk: organization.concurrency for pk, organization in organizations.items()},
    )
    halts = _halts(list(organizations))
    names = {pk: organization.name for pk, organization in organizations.items()}
    found = why_each(queue, halts=halts, names=names, is_guessed=not usual)
    for job in missing:
        waits = lanes.get((job.organization_id, job.labels), 0)
        found[job.pk] = Why(reason=halts.get(job.organization_id) or f"{waits} jobs wait, most of them before it.")
    return {job.pk: found[job.pk] for job in jobs}


def needs(job: Job, jobs: Iterable[Job]) -> str:
    """What a blocked job waits for, of the jobs of its build."""
    wanted = set(job.spec.get("needs", ()))
    open_ones = [each.name for each in jobs if each.name in wanted and each.status not in FINAL]
    return f"It needs {' and '.join(open_ones)} first." if open_ones else ""


def _why_unplanned(build: Build) -> str:
    if build.plan_attempts > 1:
        return (
            f"Its repository could not be read yet; try {build.plan_attempts + 1} follows soon. {build.reason}".strip()
        )
    return "Its commit is fetched and its configuration read."


def _heads(wanted: set[tuple[int, str]]) -> tuple[list[Job], dict[tuple[int, str], int]]:
    """The first jobs of each lane, those of `wanted` at least, and how many wait in each."""
    queued = Job.objects.filter(status=Status.QUEUED).order_by().values_list("organization_id", "labels")
    lanes = {(organization, labels): count for organization, labels, count in queued.annotate(Count("pk"))}
    chosen = [*wanted, *(lane for lane in lanes if lane not in wanted)][:_MOST_LANES]
    parts = [_LANE.format(most=_MOST_OF_A_LANE, number=number) for number in range(len(chosen))]
    values = [value for organization, labels in chosen for value in (labels, organization)]
    return list(Job.objects.raw(_HEADS.format(lanes=" UNION ALL ".join(parts)), values)), lanes


def _usual(project_ids: Iterable[int]) -> dict[Key, float]:
    """How long jobs of these projects took lately, in seconds."""
    lately = Job.objects.filter(
        build__project__in=set(project_ids),
        build__number__gt=F("build__project__last_build_number") - _BUILDS_BACK,
        status__in=(Status.PASSED, Status.FAILED),
    )
    times: dict[Key, list[float]] = defaultdict(list)
    for project, name, began, ended in lately.values_list("build__project_id", "name", "started_at", "finished_at"):
        if began and ended:
            times[project, name].append((ended - began).total_seconds())
    return {key: median(seconds) for key, seconds in times.items()}


def _running(job: Job, usual: dict[Key, float], typical: float, now: datetime) -> Running:
    key: Key = (job.project_id, job.name)  # type: ignore[attr-defined]  # annotated
    ran = (now - (job.started_at or now)).total_seconds()
    left = max(usual.get(key, typical) - ran, _LEAST_LEFT_SECONDS)
    return Running(organization_id=job.organization_id, owner=job.owner, seconds_left=left)


def _waiting(job: Job, usual: dict[Key, float], typical: float, now: datetime) -> Waiting:
    key: Key = (job.project_id, job.name)  # type: ignore[attr-defined]  # annotated
    return Waiting(
        job_id=job.pk,
        organization_id=job.organization_id,
        labels=job.labels,
        priority=job.priority,
        rests=(job.not_before - now).total_seconds(),
        seconds=usual.get(key, typical),
        attempt=job.attempt,
    )


def _place(runner: Runner) -> Place:
    return Place(
        name=runner.name,
        capacity=runner.capacity,
        labels=frozenset(runner.labels),
        serves=runner.serves,
        organization_id=runner.organization_id,
        closed=closed(runner),
    )


def closed(runner: Runner) -> str:
    """Why it takes no jobs now, to be read after its name; "" where it does."""
    if runner.paused_at is not None:
        why = f" ({runner.pause_reason.rstrip('.')})" if runner.pause_reason else ""
        return f"was paused by {runner.paused_by}{why}."
    if runner.draining or runner.drain_at is not None:
        return "is going, and takes nothing new."
    return f"says: {runner.obstacle}" if runner.obstacle else ""


def _halts(organization_ids: list[int]) -> dict[int, str]:
    """By organisation, why no new work begins there."""
    found: dict[int, str] = {}
    for halt in holding(organization_ids):
        meant = organization_ids if halt.organization_id is None else [halt.organization_id]
        for pk in meant:
            found.setdefault(pk, halt_sentence(halt))
    return found


def halt_sentence(halt: Halt) -> str:
    """What people are told of it."""
    what = f"New work of {halt.organization}" if halt.organization else "All new work"
    return f"{what} was halted{f' by {halt.by}' if halt.by else ''}: {halt.reason}"

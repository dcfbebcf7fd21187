"""The only door through which a build or a job changes its state: guarded by the table, with a history row."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from builds.models import Build, BuildMove, Job, JobMove
from builds.services.report_status import report
from builds.services.texts import storable
from builds.signals import build_moved, job_moved, job_waiting, send_on_commit
from builds.states import FINAL, Status, as_counted, may_move, of_jobs, sources_of


def move_build(build_id: int, to: Status, *, who: str = "", reason: str = "") -> bool:
    """Move a build to `to`, if the table allows that from where its row stands now.

    False means that it stands there already or that another process moved it first: a lost race, not an error.
    """
    with transaction.atomic(savepoint=False):
        build = _held_builds().filter(pk=build_id, status__in=sources_of(to)).first()
        if build is None:
            return False
        _record_build_move(build, to, who=who, reason=reason)
    return True


def _held_builds() -> QuerySet[Build]:
    """Builds to lock, each with all that is told of it; what is long or sealed stays where it is."""
    builds = Build.objects.select_for_update(no_key=True, of=("self",)).select_related("project__organization")
    return builds.defer("plan", "message", "project__hook_secret", "project__ssh_private_key")


def _record_build_move(build: Build, to: Status, *, who: str, reason: str) -> None:
    came_from, now, reason = build.status, timezone.now(), storable(reason)
    build.status, build.reason = to, reason
    if to == Status.RUNNING:
        build.started_at = build.started_at or now
    if to in FINAL:
        build.finished_at = now
    build.save(update_fields=["status", "reason", "started_at", "finished_at"])
    move = BuildMove.objects.create(build=build, came_from=came_from, went_to=to, who=who, reason=reason)
    report(move)
    send_on_commit(build_moved, Build, move=move)


def hold(job_id: int) -> Job | None:
    """The job, locked with its build for the rest of the caller's transaction, so that nobody else moves or flags it.

    The build first, always: two jobs of one build that end together must not wait for each other in a ring.
    """
    build = _held_builds().filter(jobs=job_id).first()
    if build is None:
        return None
    job = Job.objects.select_for_update(no_key=True).filter(pk=job_id).first()
    if job is not None:
        job.build = build
    return job


def move_job(
    job_id: int, to: Status, *, who: str = "", reason: str = "", fields: dict[str, object] | None = None
) -> bool:
    """Move a job to `to` and let its build follow, in one transaction that holds both rows. `fields` are set with it.

    False: not allowed from where the row stands.
    """
    with transaction.atomic(savepoint=False):
        job = hold(job_id)
        return job is not None and move_held(job, to, who=who, reason=reason, fields=fields or {})


def move_held(job: Job, to: Status, *, who: str, reason: str, fields: dict[str, object]) -> bool:
    """As `move_job`, for a caller that got the job from `hold` in this transaction."""
    if not may_move(job.status, to):
        return False
    record_job_move(job, to, who=who, reason=reason, fields=fields)
    follow(job.build, who=who)
    return True


def record_job_move(job: Job, to: Status, *, who: str, reason: str, fields: dict[str, object]) -> None:
    """Write the move of a job whose row the caller holds; for `move_held` and `claim` only."""
    came_from, now, reason = job.status, timezone.now(), storable(reason)
    for name, value in fields.items():
        setattr(job, name, value)
    job.status, job.reason = to, reason
    if to == Status.RUNNING:
        job.started_at = now
    if to in FINAL:
        job.finished_at = now
        job.lease_expires_at = None
    job.save(update_fields=["status", "reason", "started_at", "finished_at", "lease_expires_at", *fields])
    move = JobMove.objects.create(
        job=job, came_from=came_from, went_to=to, attempt=job.attempt, epoch=job.epoch, who=who, reason=reason
    )
    send_on_commit(job_moved, Job, move=move)
    if to == Status.QUEUED:
        send_on_commit(job_waiting, Job, job_id=job.pk)


def follow(build: Build, *, who: str) -> None:
    """Let a build that the caller holds stand where its pipelines' jobs say; a final one stays as it is (I4)."""
    jobs = list(Job.objects.pipelines().filter(build=build).values_list("status", "reason", "may_fail"))
    if any(status == Status.BLOCKED for status, _, _ in jobs) and _let_go(build, who=who):
        jobs = list(Job.objects.pipelines().filter(build=build).values_list("status", "reason", "may_fail"))
    if not jobs:
        return
    to = of_jobs([as_counted(status, may_fail=may_fail) for status, _, may_fail in jobs])
    reason = next((text for status, text, _ in jobs if status == to and text), "")
    if may_move(build.status, to):
        _record_build_move(build, to, who=who, reason=reason)


def _let_go(build: Build, *, who: str) -> bool:
    """Queue blocked jobs of a held build when what they need has passed; leave them out when it never will. Any at all?"""
    jobs = list(Job.objects.pipelines().select_for_update(no_key=True).filter(build=build).order_by("pk"))
    states = {job.name: as_counted(job.status, may_fail=job.may_fail) for job in jobs}
    moved = False
    # Leaving one out may leave out another, wherever it stands.
    while fates := [(job, *fate) for job in jobs if (fate := _fate(job, states))]:
        for job, to, reason in fates:
            record_job_move(job, to, who=who, reason=reason, fields={"not_before": Now()})
            states[job.name] = to
        moved = True
    return moved


def _fate(job: Job, states: Mapping[str, Status]) -> tuple[Status, str] | None:
    """Where a blocked job goes, and why; None while that is open. What a build left out is not waited for."""
    if job.status != Status.BLOCKED:
        return None
    needed = {name: states.get(name, Status.PASSED) for name in job.spec["needs"]}
    for name, state in needed.items():
        if state in FINAL and state != Status.PASSED:
            return Status.SKIPPED, f"{name} did not pass."
    return (Status.QUEUED, "") if all(state == Status.PASSED for state in needed.values()) else None

"""Where a job goes when an attempt is over: decisions only, nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from builds.models import Job
from builds.models.job import JobKind
from builds.states import Status
from runners.contract import Failure, JobResult, Outcome, StopReason

_FIRST_PAUSE_SECONDS = 15
_LONGEST_PAUSE_SECONDS = 120
_UNKNOWN = "It was deploying, so nobody knows how far it came; it is not tried again by itself."


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The job's next state, what becomes of steps that still ran, and what else is set in its row."""

    to: Status
    reason: str
    failure: Failure | None = None
    steps: Status = Status.ERRORED
    fields: dict[str, object] = field(default_factory=dict)


def of_result(job: Job, result: JobResult, *, stopped: StopReason | None) -> Ending:
    """What the engine's result means for the job. Only our own side's failures are tried again (I10),
    and its own where the project says so."""
    broke = result.outcome in {Outcome.ERRORED, Outcome.CANCELLED}
    if broke and job.cancel_requested_at is not None:
        return cancelled(job)
    if broke and stopped == StopReason.DRAINED:
        return drained(job)
    if result.outcome == Outcome.ERRORED and result.retry:
        return lost(job, failure=result.failure or Failure.ENGINE, why=result.reason)
    if result.awaits_approval:
        return _awaiting(job)
    if result.outcome == Outcome.FAILED and job.attempt <= job.spec.get("retries", 0):
        return _asked_again(job, result)
    to = Status(result.outcome)
    steps = Status.CANCELLED if to == Status.CANCELLED else Status.ERRORED
    return Ending(to=to, reason=result.reason, failure=result.failure, steps=steps)


def _asked_again(job: Job, result: JobResult) -> Ending:
    """Its own commands failed, and the project wants them tried again."""
    if job.cancel_requested_at is not None:
        return cancelled(job)
    reason = f"Attempt {job.attempt} failed: {result.reason}. It is tried again, as its `retry` says."
    again = {**released(job), "not_before": Now()}
    return Ending(to=Status.QUEUED, reason=reason, failure=result.failure, fields=again)


def _awaiting(job: Job) -> Ending:
    """It passed as far as it goes without a person; approved, it is an attempt more."""
    if job.cancel_requested_at is not None:
        return cancelled(job)
    fields = {**released(job), "not_before": Now(), "max_attempts": job.max_attempts + 1}
    return Ending(to=Status.WAITING, reason="Everything before its manual steps passed.", fields=fields)


def cancelled(job: Job) -> Ending:
    """Somebody asked for it."""
    return Ending(to=Status.CANCELLED, reason=job.cancel_reason, steps=Status.CANCELLED, fields=released(job))


def drained(job: Job) -> Ending:
    """Its runner shuts down: the job waits for another one, and the attempt does not count as lost.

    A deployment that has begun is not begun again: what it did cannot be known.
    """
    if job.kind == JobKind.DEPLOYMENT and job.steps.filter(attempt=job.attempt, started_at__isnull=False).exists():
        why = f"The runner {job.owner} was shut down."
        return Ending(to=Status.ERRORED, reason=f"{why} {_UNKNOWN}", failure=Failure.RUNNER_LOST, fields=released(job))
    again = {**released(job), "not_before": Now(), "max_attempts": job.max_attempts + 1}
    reason = f"The runner {job.owner} was shut down; another one takes it."
    return Ending(to=Status.QUEUED, reason=reason, steps=Status.CANCELLED, fields=again)


def lost(job: Job, *, failure: Failure, why: str) -> Ending:
    """Our side broke under it (`why` is a sentence): it waits again at the back of the queue, unless it was to stop,
    deploys, or has had its attempts.
    """
    if job.cancel_requested_at is not None:
        return cancelled(job)
    if job.kind == JobKind.DEPLOYMENT:
        return Ending(to=Status.ERRORED, reason=f"{why} {_UNKNOWN}", failure=failure, fields=released(job))
    counted = f"Attempt {job.attempt} of {job.max_attempts} broke on our side: {why}"
    if job.attempt >= job.max_attempts:
        return Ending(to=Status.ERRORED, reason=counted, failure=failure, fields=released(job))
    again = {**released(job), "not_before": Now() + timedelta(seconds=pause_after(job.attempt))}
    return Ending(to=Status.QUEUED, reason=f"{counted} It is tried again.", failure=failure, fields=again)


def pause_after(attempt: int) -> float:
    """Seconds a job rests after a lost attempt; shorter where leases are short."""
    first = min(_FIRST_PAUSE_SECONDS, settings.LEASE_SECONDS / 4)
    return min(first * attempt, _LONGEST_PAUSE_SECONDS)


def released(job: Job) -> dict[str, object]:
    """What is set where nobody owns the job any more."""
    # The epoch goes up: whoever ran it is a ghost from here on.
    return {"epoch": job.epoch + 1, "owner": "", "lease_expires_at": None}

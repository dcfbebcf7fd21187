"""Settle a job by how its attempt ended: for good, or back into the queue where our side broke."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from builds.models import Job
from builds.services.claim import Claim
from builds.services.endings import Ending, of_result
from builds.services.move import hold, move_held
from builds.services.steps import close_steps
from builds.services.texts import storable
from builds.states import Status
from runners.contract import JobResult, StopReason

_MOST_NOTES = 5000


def finish(
    claim: Claim,
    result: JobResult,
    *,
    stopped: StopReason | None = None,
    record: Mapping[str, object] | None = None,
) -> bool:
    """Write how the attempt ended, and what it ran with. False: the job is not this attempt's any more, and nothing was
    written.
    """
    if stopped == StopReason.LOST_LEASE:
        return False
    with transaction.atomic():
        job = hold(claim.job_id)
        if job is None or job.epoch != claim.epoch or job.status != Status.RUNNING:
            return False
        ending = of_result(job, result, stopped=stopped)
        if result.notes:
            ending.fields["notes"] = storable("\n".join(result.notes), _MOST_NOTES)
        if record is not None:
            ending.fields["record"] = record  # in the statement that moves the job: it costs none of its own
        return settle(job, ending, who=claim.owner)


def settle(job: Job, ending: Ending, *, who: str) -> bool:
    """Move a job that the caller holds, and close the steps of its attempt."""
    fields = {"failure": ending.failure or "", **ending.fields}
    moved = move_held(job, ending.to, who=who, reason=ending.reason, fields=fields)
    if moved:
        close_steps(job.pk, ending.steps, reason=ending.reason, failure=ending.failure)
    return moved

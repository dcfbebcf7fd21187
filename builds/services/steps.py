"""The rows of a job's steps: made at the claim, closed when their attempt ends."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from django.db.models.functions import Coalesce, Now

from builds.models import Job, Step
from builds.pipeline.plan import pipeline_from_json
from builds.services.texts import storable
from builds.states import FINAL, Status
from runners.contract import Failure, StepPath, StepSpec


def path_text(path: StepPath) -> str:
    """(1, 0) -> "1.0": how a row names its place in the tree."""
    return ".".join(str(part) for part in path)


def walk(steps: tuple[StepSpec, ...], above: StepPath = ()) -> Iterator[tuple[StepPath, StepSpec]]:
    """Every step with its place, in the order of reading: a group before its steps."""
    for number, step in enumerate(steps):
        place = (*above, number)
        yield place, step
        yield from walk(step.below, place)


def _for_people(step: StepSpec) -> str:
    if step.script is not None:
        return step.script
    return shlex.join(step.command or ())


def open_steps(job: Job) -> None:
    """Write the rows of the attempt that begins, all of them queued; the caller holds the job's row."""
    tree = walk(pipeline_from_json(job.spec).steps)
    Step.objects.bulk_create(
        [
            Step(
                job=job,
                attempt=job.attempt,
                path=path_text(path),
                position=position,
                kind=step.kind,
                name=step.name[:300],
                service=step.service[:200],
                command=_for_people(step),
            )
            for position, (path, step) in enumerate(tree)
        ],
        batch_size=500,
    )


def close_steps(job_id: int, to: Status, *, reason: str, failure: Failure | None = None) -> None:
    """Close what an attempt left open: what ran moves to `to`, what never began was left out.

    The caller holds the job's row and has moved the job, so no runner writes to these steps any more.
    """
    left = Step.objects.filter(job_id=job_id).exclude(status__in=FINAL)
    if not left.exists():
        return  # as where every step came to its own end
    reason = storable(reason)
    left.filter(status=Status.RUNNING).update(
        status=to, reason=reason, failure=failure or "", finished_at=Coalesce("finished_at", Now())
    )
    left.update(status=Status.SKIPPED, reason=reason)

"""Manual groups: left out of a job until a person approves it, when all of it runs again with them."""

from __future__ import annotations

from dataclasses import replace

from runners.contract import JobResult, JobSpec, Outcome, StepSpec

AWAITED = "waits for approval"
APPROVED_VARIABLE = "CI_BUILD_APPROVED"


def until_approved(job: JobSpec) -> tuple[JobSpec, bool]:
    """The job as it may run now, and whether a person has to be asked for the rest."""
    if job.is_approved or not any(_waits(step) for step in job.pipeline.steps):
        return job, False
    steps = tuple(replace(step, skip=AWAITED) if _waits(step) else step for step in job.pipeline.steps)
    return replace(job, pipeline=replace(job.pipeline, steps=steps)), True


def awaiting(result: JobResult, *, is_asked: bool) -> JobResult:
    """The result of such a job: only what passed is worth a question."""
    return replace(result, awaits_approval=is_asked and result.outcome is Outcome.PASSED)


def _waits(step: StepSpec) -> bool:
    return step.is_manual and not step.skip

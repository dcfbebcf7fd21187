"""Run one claimed attempt from beginning to end: its secrets are opened only here, for the one who owns the lease."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from structlog.contextvars import bound_contextvars

from builds.models import Build, Job
from builds.models.build import Trigger
from builds.pipeline.plan import pipeline_from_json
from builds.services.claim import Claim
from builds.services.depot import JobDepot
from builds.services.fence import LostLease, patiently
from builds.services.finish import finish
from builds.services.giving import give
from builds.services.lend import lend
from builds.services.record import StepRecorder
from builds.services.record_of import record_of
from builds.services.source import source_of
from builds.services.timeouts import seconds_allowed, silence_allowed
from builds.services.variables import variables
from runners.approval import APPROVED_VARIABLE
from runners.contract import CacheScope, Executor, Failure, JobResult, JobSpec, Outcome, Stop
from runners.engine import execute
from runners.errors import RunnerError

log = logging.getLogger(__name__)

Record = dict[str, Any] | None


def run(claim: Claim, executor: Executor, stop: Stop) -> JobResult:
    """Run the attempt and settle the job; blocks until nothing of it is left on this machine.

    Never raises for what happens to the job: a lost lease, a broken engine and a failing command are results. Raises
    LostLease where the database stayed away so long that the reaper will settle it.
    """
    result, record = _attempt(claim, executor, stop)
    if not patiently(lambda: finish(claim, result, stopped=stop.reason, record=record)):
        log.warning("job=%s epoch=%s: ended %s, but it is not ours any more", claim.job_id, claim.epoch, result.outcome)
    return result


def _attempt(claim: Claim, executor: Executor, stop: Stop) -> tuple[JobResult, Record]:
    """How it ended, and what it ran with; None where nobody knows."""
    try:
        spec = patiently(lambda: job_spec(claim))
        with bound_contextvars(job=spec.job_id, build=spec.environment["CI_BUILD_ID"], attempt=claim.attempt):
            return _execute(claim, spec, executor, stop)
    except LostLease:
        raise
    except RunnerError as error:
        failed = JobResult(outcome=Outcome.ERRORED, failure=Failure.ENGINE, reason=str(error), retry=error.retry)
        return failed, None
    except Exception:
        # The edge of the attempt: whatever else breaks is our side's fault, and another try may help.
        log.exception("job=%s epoch=%s broke the runner", claim.job_id, claim.epoch)
        reason = "Something unforeseen broke in the runner; its log has the details."
        return JobResult(outcome=Outcome.ERRORED, failure=Failure.ENGINE, reason=reason, retry=True), None


def _execute(claim: Claim, spec: JobSpec, executor: Executor, stop: Stop) -> tuple[JobResult, Record]:
    recorder = patiently(lambda: StepRecorder(claim, stop))
    try:
        depot = _depot(claim, spec)
        result = execute(spec, executor, recorder, stop, depot)
    finally:
        recorder.close()
    return result, record_of(spec, executor, recorder.images, depot)


def _depot(claim: Claim, spec: JobSpec) -> JobDepot | None:
    """Only for a job that has to do with files beyond its own life: to look costs queries."""
    pipeline = spec.pipeline
    if not (pipeline.artifacts or pipeline.caches or pipeline.needs or pipeline.tests):
        return None
    return JobDepot(claim, pipeline.needs)


def job_spec(claim: Claim) -> JobSpec:
    """Everything the engine needs for this attempt. A stranger's fork gets no secrets and cannot decrypt."""
    jobs = Job.objects.select_related("build__project").defer("record", "build__plan", "build__project__hook_secret")
    job = jobs.get(pk=claim.job_id)
    build, folder, pipeline = job.build, lend(job), pipeline_from_json(job.spec)
    giving = give(job, claim, pipeline)
    return JobSpec(
        job_id=str(job.uuid),
        epoch=claim.epoch,
        pipeline=pipeline,
        source=source_of(build),
        environment={**giving.plain, **variables(job), **({"CI_DEPLOY_FOLDER": str(folder)} if folder else {})},
        secrets=giving.secrets,
        secret_files=giving.files,
        key=giving.key,
        folders=(folder,) if folder else (),
        cache=CacheScope(project=str(build.project.uuid), branch=build.branch, writes=_may_keep(build)),
        circle="" if build.from_fork else str(build.project.uuid),
        is_strangers=build.from_fork,
        timeout_seconds=seconds_allowed(job),
        silence_seconds=silence_allowed(job),
        is_approved=APPROVED_VARIABLE in job.variables,
        target_hosts=tuple(settings.TARGET_ALLOWED_HOSTS),
    )


def _may_keep(build: Build) -> bool:
    """Whether other builds may begin from what this one makes: nobody has looked at a pull request yet, and what runs
    as it ran then makes what is old.
    """
    return (
        not build.from_fork
        and not build.exactly
        and build.pull_request is None
        and build.trigger != Trigger.PULL_REQUEST
    )

"""Put a job into the queue: the row is the message."""

from __future__ import annotations

from django.db import transaction

from builds.models import Build, Job, JobMove
from builds.models.job import JobKind
from builds.pipeline.plan import pipeline_to_json
from builds.services.labels import joined
from builds.signals import job_waiting, send_on_commit
from builds.states import Status
from runners.contract import PipelineSpec

_PIPELINE_ATTEMPTS = 3


def enqueue(
    build: Build,
    spec: PipelineSpec,
    *,
    kind: JobKind,
    variables: dict[str, str],
    position: int = 0,
    priority: int = 0,
) -> Job:
    """A job that waits for a runner, written in the caller's transaction; the bell rings when that commits.

    `variables` are plain and beside the build's own (CI_ENVIRONMENT and the like); never a secret. A deployment is
    attempted once, a pipeline up to three times where our side breaks, and again where its commands fail as often as it
    says. One that needs others is blocked until they passed.
    """
    blocked = kind == JobKind.PIPELINE and bool(spec.needs)
    status = Status.BLOCKED if blocked else Status.QUEUED
    with transaction.atomic(savepoint=False):
        job = Job.objects.create(
            build=build,
            organization_id=build.project.organization_id,
            kind=kind,
            name=spec.name[:200],
            position=position,
            priority=priority,
            spec=pipeline_to_json(spec),
            variables=variables,
            labels=joined(spec.labels, from_fork=build.from_fork and kind == JobKind.PIPELINE),
            max_attempts=_most_attempts(spec, kind),
            may_fail=spec.allow_failure,
            status=status,
        )
        JobMove.objects.create(job=job, went_to=status)
        if not blocked:
            send_on_commit(job_waiting, Job, job_id=job.pk)
    return job


def _most_attempts(spec: PipelineSpec, kind: JobKind) -> int:
    if kind == JobKind.DEPLOYMENT:
        return 1
    return (spec.attempts or _PIPELINE_ATTEMPTS) + spec.retries

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

_MAX_ATTEMPTS = {JobKind.PIPELINE: 3, JobKind.DEPLOYMENT: 1}


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
    attempted once, a pipeline up to three times where our side breaks.
    """
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
            labels=joined(spec.labels),
            max_attempts=_MAX_ATTEMPTS[kind],
        )
        JobMove.objects.create(job=job, went_to=Status.QUEUED)
        send_on_commit(job_waiting, Job, job_id=job.pk)
    return job

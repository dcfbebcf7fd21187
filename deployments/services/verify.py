"""Begin to look at a stage whose steps have passed. `look` goes on from there; all that it knows is in the rows."""

from __future__ import annotations

from dataclasses import replace

from django.utils import timezone

from builds.models import Job
from builds.models.job import JobKind
from builds.pipeline.delivery import Rollout
from builds.services.enqueue import enqueue
from deployments.models import Stage
from deployments.services.begin_stage import PRIORITY, URGENT, is_back, variables
from deployments.services.plans import plan_for
from deployments.services.releases import pinned
from runners.contract import PipelineSpec


def begin(stage: Stage) -> bool:
    """Have the stage looked at from now on, and its checks run. False: there is nothing to look at, and it does not bake.

    The caller holds the environment.
    """
    rollout = rollout_of(stage)
    if not (rollout.probes or rollout.checks or rollout.bake_seconds):
        return False
    stage.probes.all().delete()  # of a time when nobody knew what became of it
    stage.check_job = enqueue_check(stage, rollout.checks) if rollout.checks else None
    stage.right_at = stage.bakes_until = None
    stage.look_at = timezone.now()
    stage.rolled_out_at = stage.rolled_out_at or stage.look_at
    stage.save(update_fields=["check_job", "right_at", "bakes_until", "look_at", "rolled_out_at"])
    return True


def rollout_of(stage: Stage) -> Rollout:
    """How the release that the stage brings wants to be looked at. What is brought back has to be right, and bakes not."""
    plan = plan_for(stage.release, stage.deployment.environment)
    rollout = plan.rollout if plan else Rollout()
    return replace(rollout, bake_seconds=0) if is_back(stage) else rollout


def enqueue_check(stage: Stage, pipeline: PipelineSpec) -> Job:
    """A job that looks at what the stage brought, and is told what its steps were told."""
    of = stage.job.name if stage.job else stage.deployment.environment.name
    return enqueue(
        stage.release.build,
        pinned(stage.release, replace(pipeline, name=f"check {of}")),
        kind=JobKind.CHECK,
        variables=variables(stage),
        priority=URGENT if is_back(stage) else PRIORITY,
    )


def check_ended(job_id: int) -> bool:
    """The stage is looked at now, since its checks have ended. False: they are nobody's any more."""
    waiting = Stage.objects.filter(check_job=job_id, look_at__isnull=False)
    return bool(waiting.update(look_at=timezone.now()))

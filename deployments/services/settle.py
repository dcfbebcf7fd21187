"""Settle a deployment by how its job ended. A lost runner leaves it unknown, and nothing is tried again."""

from __future__ import annotations

from django.db import transaction

from builds.models import Job
from builds.states import Status
from deployments.models import Deployment, DeploymentQuerySet
from deployments.services.move import hold, move
from deployments.services.request import request_promotions
from deployments.states import DeploymentStatus
from runners.contract import Failure

WHO = "runner"
_S = DeploymentStatus


def settle(job_id: int) -> bool:
    """Move the deployment of a job that has ended. False: no deployment, not ended, or settled before."""
    # Nearly every job deploys nothing: that is seen without a transaction.
    environment = _unsettled(job_id).values_list("environment_id", flat=True).first()
    if environment is None:
        return False
    with transaction.atomic():
        hold(environment)
        deployment = _unsettled(job_id).select_related("environment", "release__build").first()
        job = Job.objects.get(pk=job_id)
        if deployment is None or not job.is_final:
            return False
        to, reason = outcome(job)
        who = job.owner or WHO
        if to == _S.LIVE:
            return go_live(deployment, who=who)
        return move(deployment.pk, to, who=who, reason=reason)


def outcome(job: Job) -> tuple[DeploymentStatus, str]:
    """What an ended job means for its deployment, with the reason for people."""
    if job.status == Status.PASSED:
        return _S.LIVE, ""
    if job.status == Status.CANCELLED:
        return _S.CANCELLED, job.reason
    if job.status == Status.SKIPPED:
        return _S.FAILED, "Every step is left out, so nothing was deployed"
    if job.status == Status.ERRORED and _broke_on_the_way(job):
        return _S.UNKNOWN, job.reason
    return _S.FAILED, job.reason


def go_live(deployment: Deployment, *, who: str, reason: str = "") -> bool:
    """Make it what runs in its environment, and ask for what comes after it. The caller holds the environment."""
    before = deployment.environment.deployments.live().exclude(pk=deployment.pk).first()
    if before is not None:
        replaced = _S.ROLLED_BACK if deployment.is_rollback else _S.SUPERSEDED
        move(before.pk, replaced, who=who, reason=f"{deployment.release} took its place")
    moved = move(deployment.pk, _S.LIVE, who=who, reason=reason)
    if moved and not deployment.is_rollback:
        request_promotions(deployment)
    return moved


def _unsettled(job_id: int) -> DeploymentQuerySet:
    return Deployment.objects.filter(job_id=job_id, status=_S.ROLLING_OUT)


def _broke_on_the_way(job: Job) -> bool:
    """Whether nobody can know what it did: its runner vanished, or the engine did under a step that had begun."""
    if job.failure == Failure.RUNNER_LOST:
        return True
    return job.failure == Failure.ENGINE and job.steps.filter(kind="run", started_at__isnull=False).exists()

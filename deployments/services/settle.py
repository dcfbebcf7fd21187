"""Settle a stage by how its job ended. A lost runner leaves its deployment unknown, and nothing is tried again."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from builds.models import Job
from builds.states import Status
from deployments.models import Deployment, Stage, StageKind
from deployments.services import stages, verify
from deployments.services.move import hold, move
from deployments.services.turn_back import turn_back, why_not
from deployments.states import DeploymentStatus
from runners.contract import Failure

WHO = "runner"
_S = DeploymentStatus
# While one of these stands, a job runs or waits to run.
WORKING = (_S.ROLLING_OUT, _S.ROLLING_BACK)


def settle(job_id: int) -> bool:
    """Move the deployment of a job that has ended. False: no deployment, not ended, or settled before."""
    # Nearly every job deploys nothing: that is seen without a transaction.
    working = Deployment.objects.filter(job_id=job_id, status__in=WORKING)
    environment = working.values_list("environment_id", flat=True).first()
    if environment is None:
        return False
    with transaction.atomic():
        hold(environment)
        deployment = working.select_related("environment", "release__build").first()
        job = Job.objects.get(pk=job_id)
        if deployment is None or not job.is_final:
            return False
        stage = stage_of(deployment, job)
        return False if stage.rolled_out_at or stage.ended_at else _settle(stage, job)


def stage_of(deployment: Deployment, job: Job) -> Stage:
    """The stage whose job this is; made for a deployment of the time before there were stages."""
    found = Stage.objects.select_related("deployment__environment", "deployment__release__build", "release")
    stage = found.filter(job=job).first()
    return stage or Stage.objects.create(deployment=deployment, number=1, release=deployment.release, job=job)


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


def _settle(stage: Stage, job: Job) -> bool:
    to, reason = outcome(job)
    who, deployment = job.owner or WHO, stage.deployment
    if to == _S.UNKNOWN:
        return move(deployment.pk, _S.UNKNOWN, who=who, reason=reason)
    if to == _S.CANCELLED or _is_stopped_short(stage, job):
        said = reason or job.cancel_reason or deployment.turning_back
        return stopped(stage, said, who=who, is_out=to == _S.LIVE or has_share(deployment))
    if to == _S.FAILED:
        return stages.failed(stage.pk, reason, who=who)
    return rolled_out(stage, who=who)


def has_share(deployment: Deployment) -> bool:
    """Whether a share of it is out."""
    return deployment.stages.filter(kind=StageKind.ROLLOUT, rolled_out_at__isnull=False).exists()


def rolled_out(stage: Stage, *, who: str) -> bool:
    """Its steps have passed: it is looked at, where there is anything to look at. The caller holds the environment."""
    stage.rolled_out_at = timezone.now()
    stage.save(update_fields=["rolled_out_at"])
    if not verify.begin(stage):
        Stage.objects.filter(pk=stage.pk).update(right_at=stage.rolled_out_at)
        return stages.passed(stage.pk, who=who) or bool(stage.deployment.paused_at)
    if stage.kind == StageKind.ROLLBACK:
        return True  # it is on its way back until that is seen to be right
    return move(stage.deployment_id, _S.VERIFYING, who=who)


def _is_stopped_short(stage: Stage, job: Job) -> bool:
    """Whether somebody stopped it when its job could not be stopped any more; whole, and with no way back, it is live."""
    deployment = stage.deployment
    if stage.kind == StageKind.ROLLBACK or not (deployment.turning_back or job.cancel_requested_at):
        return False
    return stage.percent < 100 or bool(deployment.turning_back and not why_not(deployment, asked=True))


def stopped(stage: Stage, reason: str, *, who: str, is_out: bool) -> bool:
    """A person stopped it: it is taken back where its plan wants that, or where a share of it is out already.

    The caller holds the environment.
    """
    deployment = stage.deployment
    stages.end(stage, passed=False, reason=reason)
    if stage.kind == StageKind.ROLLBACK:
        return move(deployment.pk, _S.FAILED, who=who, reason=f"Its rollback was stopped: {reason}")
    obstacle = ""
    if deployment.turning_back or is_out:
        obstacle = turn_back(deployment, why=deployment.turning_back or reason, who=who, asked=True)
        if not obstacle:
            return True
    said = f"{stages.bare(reason)}. What is out stays out: {obstacle}." if is_out and obstacle else reason
    return move(deployment.pk, _S.CANCELLED, who=who, reason=said)


def _broke_on_the_way(job: Job) -> bool:
    """Whether nobody can know what it did: its runner vanished, or the engine did under a step that had begun."""
    if job.failure == Failure.RUNNER_LOST:
        return True
    begun = job.steps.exclude(kind__in=("serial", "parallel")).filter(started_at__isnull=False)
    return job.failure == Failure.ENGINE and begun.exists()

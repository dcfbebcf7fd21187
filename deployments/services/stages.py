"""The stages of a deployment, one after another: begun, passed on, or failed. Each call is under the environment's lock."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from builds.pipeline.plan import EnvironmentPlan
from builds.services.halt import is_halted
from builds.services.secrets_then import fingerprint
from deployments.models import Deployment, Stage, StageKind
from deployments.services.begin_stage import begin_stage
from deployments.services.go_live import go_live
from deployments.services.move import hold, move
from deployments.services.plans import plan_for
from deployments.services.turn_back import before, turn_back
from deployments.states import DeploymentStatus

WHO = "verification"
_S = DeploymentStatus
_ON_THE_WAY = (_S.ROLLING_OUT, _S.VERIFYING, _S.ROLLING_BACK, _S.UNKNOWN)


def start(deployment: Deployment, plan: EnvironmentPlan, *, who: str) -> bool:
    """Begin its first stage. The caller holds the environment, in which nothing else is on its way."""
    environment = deployment.environment
    told: dict[str, object] = {
        "previous": before(deployment),
        "secrets": fingerprint(deployment.release.build, environment.name, with_plain=True),
    }
    if not move(deployment.pk, _S.ROLLING_OUT, who=who, fields=told):
        return False
    deployment.refresh_from_db()
    percent = percents(deployment, plan)[0]
    begin_stage(deployment, deployment.release, plan, kind=StageKind.ROLLOUT, percent=percent)
    return True


def percents(deployment: Deployment, plan: EnvironmentPlan | None) -> tuple[float, ...]:
    """The shares that it goes through, rising to 100. What is brought back is brought back whole."""
    return (100.0,) if deployment.is_rollback or plan is None else (*plan.rollout.percents, 100.0)


def passed(stage_id: int, *, who: str = WHO) -> bool:
    """The stage is right, and has been for as long as it should: the next begins, or the release is live.

    False: nothing was moved, since it is paused, its organisation's work is halted, or it has ended.
    """
    with transaction.atomic():
        stage = _held(stage_id)
        if stage is None or (stage.percent < 100 and _stands(stage.deployment)):
            return False
        end(stage, passed=True)
        deployment = stage.deployment
        if stage.kind == StageKind.ROLLBACK:
            return move(deployment.pk, _S.ROLLED_BACK, who=who, reason=deployment.turning_back)
        if stage.percent >= 100:
            return go_live(deployment, who=who)
        return _next(stage, who=who)


def failed(stage_id: int, reason: str, *, who: str = WHO) -> bool:
    """The stage is not right: the deployment is taken back, where that is wanted and can be, or has failed."""
    with transaction.atomic():
        stage = _held(stage_id)
        if stage is None:
            return False
        end(stage, passed=False, reason=reason)
        deployment = stage.deployment
        if stage.kind == StageKind.ROLLBACK:
            said = f"It was to be taken back ({bare(deployment.turning_back)}), and that failed too: {reason}"
            return move(deployment.pk, _S.FAILED, who=who, reason=said)
        obstacle = turn_back(deployment, why=reason, who=who)
        if not obstacle:
            return True
        is_told = plan_is_automatic(deployment)
        said = f"{bare(reason)}. {obstacle}." if is_told else reason
        return move(deployment.pk, _S.FAILED, who=who, reason=said)


def _stands(deployment: Deployment) -> bool:
    """Whether no further stage may begin now."""
    return deployment.paused_at is not None or is_halted(deployment.environment.project.organization_id)


def plan_is_automatic(deployment: Deployment) -> bool:
    """Whether its plan wants a bad release taken back by itself."""
    plan = plan_for(deployment.release, deployment.environment)
    return plan is not None and plan.rollout.rollback.automatic


def _next(stage: Stage, *, who: str) -> bool:
    deployment = stage.deployment
    plan = plan_for(deployment.release, deployment.environment)
    shares = percents(deployment, plan)
    following = next((percent for percent in shares if percent > stage.percent), None)
    if plan is None or following is None:
        return go_live(deployment, who=who)
    if deployment.status != _S.ROLLING_OUT and not move(
        deployment.pk, _S.ROLLING_OUT, who=who, reason=_share(following)
    ):
        return False
    deployment.refresh_from_db()
    begin_stage(deployment, deployment.release, plan, kind=StageKind.ROLLOUT, percent=following)
    return True


def _held(stage_id: int) -> Stage | None:
    """The stage with its environment locked, if it is the one that its deployment is in."""
    row = Stage.objects.filter(pk=stage_id).values_list("deployment__environment_id", flat=True).first()
    if row is None:
        return None
    hold(row)
    stages = Stage.objects.select_related("deployment__environment", "deployment__release__build", "release")
    stage = stages.filter(pk=stage_id, ended_at=None, deployment__status__in=_ON_THE_WAY).first()
    newest = stage.deployment.stages.order_by("-number").first() if stage else None
    return stage if newest is not None and newest.pk == stage_id else None


def end(stage: Stage, *, passed: bool, reason: str = "") -> None:
    """Write down how it ended; what comes of that is the caller's."""
    stage.ended_at, stage.passed, stage.reason, stage.look_at = timezone.now(), passed, reason, None
    stage.save(update_fields=["ended_at", "passed", "reason", "look_at"])


def _share(percent: float) -> str:
    return f"On to {percent:g} %"


def bare(sentence: str) -> str:
    """A sentence without its stop, to be put into another."""
    return sentence.strip().rstrip(".")

"""Take a deployment back: the release before it is brought out again, with that release's own steps."""

from __future__ import annotations

from builds.models import Step
from deployments.models import Deployment, Release, StageKind
from deployments.services.begin_stage import begin_stage
from deployments.services.move import move
from deployments.services.plans import plan_for
from deployments.states import DeploymentStatus


def turn_back(deployment: Deployment, *, why: str, who: str, asked: bool = False) -> str:
    """Begin to bring back what was live before; "" or why that is not done. The caller holds the environment.

    By itself it only happens where the release's own plan says so; `asked`: a person wants it.
    """
    obstacle = why_not(deployment, asked=asked)
    previous = before(deployment)
    plan = plan_for(previous, deployment.environment) if previous else None
    if obstacle or previous is None or plan is None:
        return obstacle or f"There is no way back: {deployment.environment.name} had no release before"
    if not move(deployment.pk, DeploymentStatus.ROLLING_BACK, who=who, reason=why, fields={"turning_back": why}):
        return "It has ended meanwhile"
    deployment.refresh_from_db()
    begin_stage(deployment, previous, plan, kind=StageKind.ROLLBACK)
    return ""


def why_not(deployment: Deployment, *, asked: bool = False) -> str:
    """Why it is not taken back, as a sentence without its stop; "" = it is."""
    plan = plan_for(deployment.release, deployment.environment)
    if deployment.is_rollback:
        return "It was itself a rollback, and is not taken back"
    if not asked and (plan is None or not plan.rollout.rollback.automatic):
        return "It is not taken back by itself: `rollback` is not `auto`"
    waiting = deployment.environment.deployments.pending().filter(is_rollback=True).select_related("release").first()
    if waiting is not None:
        return f"{waiting.release} is brought back instead"
    if not is_touched(deployment):
        return "Nothing was changed, so nothing is taken back"
    if deployment.release.irreversible:
        return f"{deployment.release} cannot be taken back: {deployment.release.irreversible}"
    previous = before(deployment)
    if previous is None:
        return "There is no release before it to go back to"
    if plan_for(previous, deployment.environment) is None:
        return f"The configuration of {previous} does not know {deployment.environment.name}"
    return ""


def before(deployment: Deployment) -> Release | None:
    """The release that is live while this deployment is on its way."""
    live = deployment.environment.deployments.live().exclude(pk=deployment.pk).select_related("release__build").first()
    return live.release if live else None


def is_touched(deployment: Deployment) -> bool:
    """Whether any step of it has begun, so that something may have changed."""
    begun = Step.objects.filter(job__stage__deployment=deployment, kind__in=("run", "push", "deploy"))
    return begun.filter(started_at__isnull=False).exists()

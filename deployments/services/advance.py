"""Let the next deployment of an environment go: one at a time, newer before older, each job made once."""

from __future__ import annotations

from django.db import transaction

from builds.models.job import JobKind
from builds.pipeline.plan import EnvironmentPlan
from builds.services.enqueue import enqueue
from deployments.models import Deployment, Environment, Release
from deployments.services.move import hold, move
from deployments.services.plans import plan_for
from deployments.states import DeploymentStatus

WHO = "queue"
# People wait for a release; a test run can wait for it.
PRIORITY = 10


def advance(environment_id: int) -> bool:
    """Start what is next, if nothing is on its way. Any number of processes may call it; False: nothing was started."""
    with transaction.atomic():
        environment = hold(environment_id)
        if environment.deployments.busy().exists():
            return False
        chosen = _choose(environment)
        if chosen is None:
            return False
        plan = plan_for(chosen.release, environment)
        if plan is None:
            reason = f"The configuration of {chosen.release} does not know {environment.name}"
            move(chosen.pk, DeploymentStatus.FAILED, who=WHO, reason=reason)
            return False
        return _start(chosen, plan)


def variables(deployment: Deployment, previous: Release | None) -> dict[str, str]:
    """What the steps are told beside the build's own variables; numbers of releases, "" where there was none before."""
    return {
        "CI_ENVIRONMENT": deployment.environment.name,
        "CI_RELEASE": str(deployment.release.number),
        "CI_PREVIOUS_RELEASE": str(previous.number) if previous else "",
        "CI_PREVIOUS_COMMIT_ID": previous.commit if previous else "",
        "CI_DEPLOYMENT_ID": str(deployment.uuid),
        "CI_ROLLBACK": "true" if deployment.is_rollback else "false",
        "CI_ROLLOUT_PERCENT": "100",
    }


def _start(deployment: Deployment, plan: EnvironmentPlan) -> bool:
    live = deployment.environment.deployments.live().select_related("release").first()
    previous = live.release if live else None
    job = enqueue(
        deployment.release.build,
        plan.pipeline,
        kind=JobKind.DEPLOYMENT,
        variables=variables(deployment, previous),
        priority=PRIORITY,
    )
    return move(deployment.pk, DeploymentStatus.ROLLING_OUT, who=WHO, fields={"job": job, "previous": previous})


def _choose(environment: Environment) -> Deployment | None:
    """The waiting deployment that goes next; those that it makes pointless are superseded.

    What a person brings back goes before what came by itself, and is never pushed aside by it. Of what comes by itself
    the newest build goes, however late an older one passed.
    """
    waiting = list(
        environment.deployments.filter(status=DeploymentStatus.REQUESTED)
        .select_related("release__build")
        .order_by("id")
    )
    waiting = _without_outdated(environment, waiting)
    if not waiting:
        return None
    rollbacks = [each for each in waiting if each.is_rollback]
    by_hand = [each for each in waiting if not each.automatic]
    if rollbacks:
        chosen, before = rollbacks[-1], [each for each in waiting if each.pk < rollbacks[-1].pk]
    else:
        last = by_hand[-1] if by_hand else None
        later = [each for each in waiting if each.automatic and (last is None or each.pk > last.pk)]
        chosen = max(later, key=lambda each: each.release.build.number) if later else waiting[-1]
        before = [each for each in waiting if each != chosen]
    _supersede(before, f"{chosen.release} goes instead")
    return chosen


def _without_outdated(environment: Environment, waiting: list[Deployment]) -> list[Deployment]:
    started = environment.deployments.filter(started_at__isnull=False).select_related("release__build")
    newest = started.order_by("-release__build__number").first()
    if newest is None:
        return waiting
    outdated = [each for each in waiting if each.automatic and each.release.build.number < newest.release.build.number]
    _supersede(outdated, f"{newest.release}, of a newer build, went first")
    return [each for each in waiting if each not in outdated]


def _supersede(deployments: list[Deployment], reason: str) -> None:
    for each in deployments:
        move(each.pk, DeploymentStatus.SUPERSEDED, who=WHO, reason=reason)

"""Let the next deployment of an environment go: one at a time, newer before older, through its gates, each job made once."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from builds.services.halt import is_halted
from deployments.models import Deployment, Environment
from deployments.services import stages
from deployments.services.gates_of import gates_of
from deployments.services.move import hold, move
from deployments.services.obstacles import Obstacle, obstacle, stale
from deployments.services.plans import plan_for
from deployments.states import PENDING, DeploymentStatus

WHO = "queue"
_S = DeploymentStatus


def advance(environment_id: int) -> bool:
    """Start what is next, if nothing is on its way, no gate is closed and no work is halted. Any number of processes may
    call it.

    False: nothing was started.
    """
    with transaction.atomic():
        environment = hold(environment_id)
        if environment.deployments.busy().exists() or is_halted(environment.project.organization_id):
            return False
        return any(_go(environment, chosen) for chosen in _choose(environment))


def _go(environment: Environment, chosen: Deployment) -> bool:
    """Start it, unless it cannot go at all, or has to wait before a gate."""
    plan = plan_for(chosen.release, environment)
    if plan is None:
        reason = f"The configuration of {chosen.release} does not know {environment.name}"
        move(chosen.pk, _S.FAILED, who=WHO, reason=reason)
        return False
    if outdated := stale(environment, chosen):
        move(chosen.pk, _S.CANCELLED, who=WHO, reason=outdated)
        return False
    found = obstacle(environment, chosen, now=timezone.now())
    if found is not None:
        _wait(chosen, found)
        return False
    return stages.start(chosen, plan, who=WHO)


def _wait(deployment: Deployment, found: Obstacle) -> None:
    """Let it stand before the gate, with what people should know about that."""
    told: dict[str, object] = {"held_until": found.until, "expires_at": found.expires or deployment.expires_at}
    if deployment.status != found.status:
        move(deployment.pk, found.status, who=WHO, reason=found.reason, fields=told)
    elif deployment.reason != found.reason or deployment.held_until != found.until:
        Deployment.objects.filter(pk=deployment.pk).update(reason=found.reason, **told)


def _choose(environment: Environment) -> list[Deployment]:
    """The waiting deployment that goes next, if any; those that it makes pointless are superseded.

    What a person brings back goes before what came by itself, and is never pushed aside by it. Of what comes by itself
    the newest build goes, however late an older one passed; where the environment has them queue, the oldest.
    While nobody has agreed to it yet, one before it to which somebody has follows it here, and keeps its turn.
    """
    pending = environment.deployments.filter(status__in=PENDING).select_related("release__build").order_by("id")
    waiting = _without_outdated(environment, list(pending))
    if not waiting:
        return []
    agreed: list[Deployment] = []
    rollbacks = [each for each in waiting if each.is_rollback]
    by_hand = [each for each in waiting if not each.automatic]
    if rollbacks:
        chosen, before = rollbacks[-1], [each for each in waiting if each.pk < rollbacks[-1].pk]
    elif gates_of(environment).queue:
        chosen, before = min(waiting, key=lambda each: (each.release.build.number, each.pk)), []
    else:
        last = by_hand[-1] if by_hand else None
        later = [each for each in waiting if each.automatic and (last is None or each.pk > last.pk)]
        chosen = max(later, key=lambda each: each.release.build.number) if later else waiting[-1]
        agreed = _agreed_before(environment, chosen, waiting)
        before = [each for each in waiting if each not in (chosen, *agreed)]
    _supersede(before, f"{chosen.release} goes instead")
    return [chosen, *agreed]


def _agreed_before(environment: Environment, chosen: Deployment, waiting: list[Deployment]) -> list[Deployment]:
    """What people have agreed to does not wait until they agree to something newer."""
    if chosen.approved_at is not None or gates_of(environment).approval is None:
        return []
    agreed = [each for each in waiting if each.approved_at is not None]
    return [max(agreed, key=lambda each: (each.release.build.number, each.pk))] if agreed else []


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
        move(each.pk, _S.SUPERSEDED, who=WHO, reason=reason)

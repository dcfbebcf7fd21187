"""Look at a stage: open what is due, and decide whether it is right, bakes on, or has failed.

Everything is in the rows, so any process can go on where another was killed. Whoever looks holds the stage's `look_at`:
it is moved ahead when he begins, and what he found counts only if it still stands there when he is done.
"""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from builds.services.cancel import cancel_job
from deployments.models import Stage
from deployments.services import stages
from deployments.services.announce import announce
from deployments.services.move import hold
from deployments.services.probes import longest, named, open_all
from deployments.services.results import keep
from deployments.services.sight import DECIDED, Sight
from deployments.services.turns import LEASE, lease, turns
from deployments.services.verify import enqueue_check
from deployments.states import DeploymentStatus

_AT_ONCE = 100


def look_due(limit: int = _AT_ONCE) -> int:
    """Hand the stages that are due to threads of this process; how many. Waits for nothing."""
    due = Stage.objects.filter(look_at__lte=timezone.now())
    due = due.exclude(deployment__environment__project__in=turns.busy_projects()).order_by("look_at")
    rows = list(due.values_list("pk", "deployment__environment__project_id")[:limit])
    return sum(turns.take(("stage", pk), project, partial(look, pk)) for pk, project in rows)


def look(stage_id: int) -> bool:
    """Open what is due of one stage, and decide. False: nothing was due, or somebody else was at it."""
    now = timezone.now()
    stage = _stages().filter(pk=stage_id, look_at__lte=now).first()
    if stage is None or stage.look_at is None:
        return False
    row = Stage.objects.filter(pk=stage_id)
    until = lease(row, stage.look_at)
    due = Sight(stage).due(now) if until else {}
    if until and longest(due) > LEASE:
        until = lease(row, until, longest(due))
    if until is None:
        return False
    found = open_all(due, named(stage.release, stage.deployment.environment.name))
    with transaction.atomic():
        hold(stage.deployment.environment_id)
        fresh = _stages().filter(pk=stage_id, look_at=until).first()
        if fresh is None:
            return False
        is_news = keep(fresh, found, now=timezone.now())
        if _decide(Sight(fresh)) or is_news:
            transaction.on_commit(partial(announce, fresh.deployment_id), robust=True)
    return True


def _stages() -> QuerySet[Stage]:
    return Stage.objects.select_related(
        "deployment__environment",
        "deployment__release",
        "deployment__previous",
        "release__build__project",
        "check_job",
    )


def _decide(sight: Sight) -> bool:
    """Act on what is known by now; whether that moved anything. The caller holds the environment."""
    stage, now = sight.stage, timezone.now()
    if stage.deployment.status not in DECIDED or stage.ended_at is not None:
        stage.look_at = None  # one look was asked for, or nobody waits for it any more
        stage.save(update_fields=["look_at"])
        return stage.deployment.status == DeploymentStatus.UNKNOWN
    if wrong := sight.wrong():
        _give_up(stage, wrong)
        return True
    was_right = stage.right_at is not None
    if not was_right and sight.is_right():
        stage.right_at, stage.bakes_until = now, sight.end_of_bake(now)
    if sight.rollout.checks and sight.wants_check(now):
        stage.check_job = enqueue_check(stage, sight.rollout.checks)
    stage.look_at = sight.next_look(now)
    stage.save(update_fields=["right_at", "bakes_until", "check_job", "look_at"])
    if sight.is_done(now):
        stages.passed(stage.pk)  # where it is paused nothing happens, and it is looked at on
        return True
    return was_right != (stage.right_at is not None)


def _give_up(stage: Stage, wrong: str) -> None:
    Stage.objects.filter(pk=stage.pk).update(look_at=None)
    stages.failed(stage.pk, wrong)
    if stage.check_job is not None:
        cancel_job(stage.check_job, who=stages.WHO, reason="What it was to check has failed already")

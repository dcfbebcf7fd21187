"""Pick up whatever a lost signal left: the clock calls this; doing it twice changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice

from django.db.models import Q, QuerySet
from django.utils import timezone

from builds.models import Build
from builds.states import FINAL as JOB_FINAL
from builds.states import Status
from deployments.models import Deployment, Environment, Stage
from deployments.services import stages
from deployments.services.advance import advance
from deployments.services.approve import expire_due
from deployments.services.move import move
from deployments.services.request import request_for_build
from deployments.services.settle import WORKING, settle
from deployments.states import DeploymentStatus

log = logging.getLogger(__name__)
_S = DeploymentStatus

_AT_ONCE = 200
_AT_RANDOM = 20
_NEWEST_BUILDS = 2000
_LOOK_BACK = timedelta(days=1)


def sweep() -> int:
    """Ask for passed builds, settle ended jobs, let go what waits. How many rows it acted on."""
    working = Deployment.objects.filter(status__in=WORKING)
    ended = working.filter(job__status__in=JOB_FINAL).values_list("job_id", flat=True)
    orphans = working.filter(job=None).values_list("pk", flat=True)
    now = timezone.now()
    may_go = Q(deployments__status=_S.REQUESTED) | Q(deployments__status=_S.HELD) & (
        Q(deployments__held_until=None) | Q(deployments__held_until__lte=now)
    )
    waiting = Environment.objects.filter(may_go).distinct()
    # A gate may have been opened, and the news of that lost: a few of the others are asked each time.
    held = Environment.objects.filter(deployments__status__in=(_S.HELD, _S.WAITING)).order_by("?")
    return (
        _each(request_for_build, _forgotten_builds())
        + _each(settle, ended)
        + _each(_orphaned, orphans)
        + _each(stages.passed, _stood().values_list("pk", flat=True))
        + expire_due(now)
        + _each(advance, waiting.values_list("pk", flat=True))
        + _each(advance, held.values_list("pk", flat=True)[:_AT_RANDOM])
    )


def _stood() -> QuerySet[Stage]:
    """Stages that have been right for long enough and were not followed, since all work was halted; a pause is a person's."""
    now = timezone.now()
    rolling = Stage.objects.filter(deployment__status__in=(_S.ROLLING_OUT, _S.VERIFYING), deployment__paused_at=None)
    return rolling.filter(
        Q(bakes_until=None) | Q(bakes_until__lte=now), ended_at=None, look_at=None, right_at__isnull=False
    )


def _each(act: Callable[[int], object], ids: Iterable[int | None]) -> int:
    """Do each for itself: one project's broken row must not stop the others'."""
    done = 0
    for pk in list(islice((pk for pk in ids if pk is not None), _AT_ONCE)):
        try:
            done += bool(act(pk))
        except Exception:
            log.exception("%s of %s failed", act.__name__, pk)
    return done


def _orphaned(deployment_id: int) -> bool:
    return move(deployment_id, _S.UNKNOWN, who="clock", reason="Its job is gone")


def _forgotten_builds() -> list[int]:
    """Builds that passed lately, deploy, and have no release."""
    newest = Build.objects.order_by("-id").values("id")[:_NEWEST_BUILDS]
    lately = Build.objects.filter(pk__in=list(newest.values_list("id", flat=True)), status=Status.PASSED, release=None)
    rows = lately.filter(
        finished_at__gt=timezone.now() - _LOOK_BACK,
        plan__deployments__0__isnull=False,
        from_fork=False,
        pull_request=None,
        is_late=False,
    ).values_list("pk", "plan__deployments")
    return [pk for pk, plans in rows if any(plan.get("applies") and not plan.get("after") for plan in plans)]

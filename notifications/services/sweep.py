"""Tell of what a lost signal left untold: the clock calls this; doing it twice changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import takewhile

from django.utils import timezone

from builds.models import BuildMove
from deployments.models import DeploymentMove
from notifications.models import Message
from notifications.services.tell import tell_of_build, tell_of_deployment

log = logging.getLogger(__name__)

_NEWEST = 2000
LONGEST = timedelta(days=1)
OVERLAP = timedelta(minutes=5)


class Sweep:
    """Goes through the moves since its last time, or of the last day at first."""

    def __init__(self) -> None:
        self._until: datetime | None = None

    def __call__(self) -> int:
        """How many messages were made."""
        now = timezone.now()
        since = now - LONGEST if self._until is None else max(self._until - OVERLAP, now - LONGEST)
        made = sweep_since(since)
        self._until = now
        return made


def sweep_since(since: datetime) -> int:
    """Tell of the moves since then, newest first."""
    builds = BuildMove.objects.order_by("-pk").values_list("at", "build_id", "went_to")
    deployments = DeploymentMove.objects.order_by("-pk").values_list("at", "deployment_id", "went_to")
    return _told(builds[:_NEWEST], tell_of_build, since) + _told(deployments[:_NEWEST], tell_of_deployment, since)


def _told(
    moves: Iterable[tuple[datetime, int, str]], tell: Callable[[int, str], list[Message]], since: datetime
) -> int:
    lately = dict.fromkeys((pk, to) for at, pk, to in takewhile(lambda move: move[0] >= since, moves))
    made = 0
    for pk, to in lately:
        try:
            made += len(tell(pk, to))
        except Exception:
            # The task's edge: one project's broken row must not silence the others.
            log.exception("%s of %s failed", tell.__name__, pk)
    return made

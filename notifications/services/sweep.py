"""Tell of what a lost signal left untold: the clock calls this; doing it twice changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import takewhile

from django.utils import timezone

from builds.models import BuildMove, Project
from deployments.models import DeploymentMove, HealthMove
from notifications.models import Message
from notifications.services.tell import tell_of_build, tell_of_deployment, tell_of_health, tell_of_hosting

log = logging.getLogger(__name__)

_NEWEST = 2000
LONGEST = timedelta(days=1)
OVERLAP = timedelta(minutes=5)

Tell = Callable[[int, str], list[Message]]
News = tuple[Tell, int, str]
"""Who tells of it, the key of what moved, and where it went."""


class Sweep:
    """Goes through the moves since its last time, or of the last day at first; through none of them twice."""

    def __init__(self) -> None:
        self._until: datetime | None = None
        self._told: set[News] = set()

    def __call__(self) -> int:
        """How many messages were made."""
        now = timezone.now()
        made = self.since(now - LONGEST if self._until is None else max(self._until - OVERLAP, now - LONGEST))
        self._until = now
        return made

    def since(self, moment: datetime) -> int:
        """Tell of the moves since then, newest first; of what fails again the next time."""
        told, made = self._told, 0
        self._told = set()
        for news in _since(moment):
            try:
                made += 0 if news in told else _tell(news)
                self._told.add(news)
            except Exception:
                # The task's edge: one project's broken row must not silence the others.
                log.exception("%s of %s failed", news[0].__name__, news[1])
        return made


def _since(moment: datetime) -> list[News]:
    builds = BuildMove.objects.order_by("-pk").values_list("at", "build_id", "went_to")
    deployments = DeploymentMove.objects.order_by("-pk").values_list("at", "deployment_id", "went_to")
    health = HealthMove.objects.order_by("-pk").values_list("at", "pk", "went_to")
    found: dict[News, None] = {}
    for tell, moves in ((tell_of_build, builds), (tell_of_deployment, deployments), (tell_of_health, health)):
        lately = takewhile(lambda move: move[0] >= moment, moves[:_NEWEST])
        found |= dict.fromkeys((tell, pk, to) for _, pk, to in lately)
    troubled = Project.objects.exclude(hosting_problem="").values_list("pk", "hosting_problem")[:_NEWEST]
    week = str(timezone.now().isocalendar()[:2])
    found |= dict.fromkeys((tell_of_hosting, pk, f"{week} {problem}") for pk, problem in troubled)
    return list(found)


def _tell(news: News) -> int:
    tell, pk, to = news
    return len(tell(pk, to))

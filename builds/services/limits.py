"""How much of an organisation may run and wait at one time; a loop of pushes must not fill the queue."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import Organization, User
from accounts.services.audit import record
from builds.models import Build, Job, QueueLimit
from builds.states import Status

_MOST_ORGANIZATIONS = 200
_ROOM_SECONDS = 1.0
_MOST_REMEMBERED = 10_000


class QueueFullError(PermissionDenied):
    """An organisation has as many builds waiting as it may; the text is a sentence for people."""


@dataclass(frozen=True)
class QueueLine:
    """What runs and what waits of an organisation, and how much of either may."""

    organization: Organization
    running: int
    waiting: int
    most_waiting: int


class _Room:
    """How many more builds an organisation may have before the database is asked again: in a flood, once a second.

    It is half of what was free, in each process, so that only many processes together could go past a limit.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[int, tuple[int, float]] = {}  # builds, and until when that is believed

    def take(self, organization_id: int) -> bool:
        """Whether there is room for one more, as far as is remembered."""
        with self._lock:
            left, until = self._left.get(organization_id, (0, 0.0))
            if left < 1 or until < time.monotonic():
                return False
            self._left[organization_id] = (left - 1, until)
            return True

    def remember(self, organization_id: int, free: int) -> None:
        """So many may come, as the database has it now."""
        with self._lock:
            if len(self._left) >= _MOST_REMEMBERED:
                self._left.clear()
            self._left[organization_id] = (free // 2, time.monotonic() + _ROOM_SECONDS)


_room = _Room()


def queue_full(organization_id: int) -> str:
    """Why no further build may wait there, as a sentence; "" where one may. One statement, and mostly none."""
    if _room.take(organization_id):
        return ""
    queued = Build.objects.filter(project__organization=OuterRef("pk"), status=Status.QUEUED).order_by()
    counted = Subquery(queued.values("project__organization").annotate(builds=Count("pk")).values("builds"))
    most = Coalesce(F("queue_limit__builds"), Value(settings.QUEUE_LIMIT))
    asked = Organization.objects.filter(pk=organization_id).values_list(most, Coalesce(counted, 0))
    limit, waiting = asked.first() or (0, -1)
    _room.remember(organization_id, limit - waiting - 1)
    if waiting < limit:
        return ""
    return f"{limit} builds wait already, as many as may: nothing is built until some of them have begun."


def check_queue(organization_id: int) -> None:
    """Go on only where one more build may wait; QueueFullError otherwise."""
    if full := queue_full(organization_id):
        raise QueueFullError(full)


def set_limits(organization: Organization, *, running: int | None, waiting: int | None, user: User | None) -> None:
    """How many jobs may run and how many builds wait at one time; None leaves it as it is."""
    with transaction.atomic():
        if running is not None:
            Organization.objects.filter(pk=organization.pk).update(concurrency=running)
        if waiting is not None:
            QueueLimit.objects.update_or_create(organization=organization, defaults={"builds": waiting})
        details = {"running": running, "waiting": waiting}
        record("organization.limits", organization.name, user=user, organization=organization, details=details)
    _room.remember(organization.pk, 0)


def queue_lines(organizations: QuerySet[Organization] | None) -> list[QueueLine]:
    """Of these organisations (None: all), by name: three queries."""
    rows = (Organization.objects.all() if organizations is None else organizations).order_by("name")
    most = Coalesce(F("queue_limit__builds"), Value(settings.QUEUE_LIMIT))
    found = list(rows.annotate(most_waiting=most)[:_MOST_ORGANIZATIONS])
    ids = [organization.pk for organization in found]
    running = _counted(Job.objects.filter(status=Status.RUNNING, organization__in=ids), "organization")
    queued = Build.objects.filter(status=Status.QUEUED, project__organization__in=ids)
    waiting = _counted(queued, "project__organization")
    return [QueueLine(one, running.get(one.pk, 0), waiting.get(one.pk, 0), one.most_waiting) for one in found]


def _counted(rows: QuerySet[Job] | QuerySet[Build], by: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(by).annotate(Count("pk")))

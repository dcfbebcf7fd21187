"""How much of an organisation may run and wait at one time; a loop of pushes must not fill the queue."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, F, QuerySet, Value
from django.db.models.functions import Coalesce

from accounts.models import Organization, User
from accounts.services.audit import record
from builds.models import Build, Job, QueueLimit
from builds.states import Status

_MOST_ORGANIZATIONS = 200


class QueueFullError(PermissionDenied):
    """An organisation has as many builds waiting as it may; the text is a sentence for people."""


@dataclass(frozen=True)
class QueueLine:
    """What runs and what waits of an organisation, and how much of either may."""

    organization: Organization
    running: int
    waiting: int
    most_waiting: int


def queue_full(organization_id: int) -> str:
    """Why no further build may wait there, as a sentence; "" where one may. Reads no more rows than may wait."""
    most = QueueLimit.objects.filter(organization=organization_id).values_list("builds", flat=True).first()
    limit = settings.QUEUE_LIMIT if most is None else most
    waiting = Build.objects.filter(project__organization=organization_id, status=Status.QUEUED)
    if len(waiting.values_list("pk")[:limit]) < limit:
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

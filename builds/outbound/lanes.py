"""Lanes: entries of one receiver are sent one at a time by whoever holds the lane's lease, on the database's clock.

A receiver that fails rests: a moment first, so that order is kept over a blip, then longer and longer. What waits
behind it costs nothing and keeps its tries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Now

from builds.models import OutboxEntry, OutboxLane

# Longer than a delivery may take: 15 s in all for HTTP, 15 s at each turn of an SMTP server.
LEASE = timedelta(seconds=90)
SHORT_REST = timedelta(seconds=5)
LONG_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=15)
FAILURES_BEFORE_LONG_REST = 4


@dataclass(frozen=True)
class Claim:
    """The right to send to one receiver, until the lease ends."""

    lane: str
    epoch: int

    def renew(self) -> bool:
        """Have the lease run from now; False where it was lost, or the lane rests."""
        return self._row().filter(_awake()).update(lease_expires_at=Now() + LEASE) == 1

    def release(self) -> None:
        """Let others send."""
        self._row().update(lease_expires_at=None)

    def arrived(self) -> None:
        """The receiver answers: forget its failures."""
        self._row().filter(failures__gt=0).update(failures=0, rests_until=None)

    def failed(self) -> None:
        """Let the receiver rest, the longer the more often it failed in a row."""
        with transaction.atomic():
            if self._row().update(failures=F("failures") + 1):
                failures = self._row().values_list("failures", flat=True).get()
                self._row().update(rests_until=Now() + rest_after(failures))

    def _row(self) -> QuerySet[OutboxLane]:
        return OutboxLane.objects.filter(name=self.lane, epoch=self.epoch)


def rest_after(failures: int) -> timedelta:
    """How long a receiver rests after `failures` in a row."""
    over = failures - FAILURES_BEFORE_LONG_REST
    return SHORT_REST if over < 0 else min(LONG_REST * 2 ** min(over, 10), LONGEST_REST)


def claim(lane: str) -> Claim | None:
    """Take the lane, if nobody holds it and it does not rest; None where others were first."""
    OutboxLane.objects.bulk_create([OutboxLane(name=lane)], ignore_conflicts=True)
    with transaction.atomic():
        rows = OutboxLane.objects.filter(name=lane)
        if not rows.filter(_awake(), _free()).update(epoch=F("epoch") + 1, lease_expires_at=Now() + LEASE):
            return None
        return Claim(lane, rows.values_list("epoch", flat=True).get())


def due_lanes(limit: int) -> list[str]:
    """Lanes with something to send that somebody could send now, the longest waiting first."""
    due = _sendable().values("lane").annotate(oldest=Min("not_before")).order_by("oldest")
    return list(due.values_list("lane", flat=True)[:limit])


def is_due(lane: str) -> bool:
    """Whether somebody could send something in this lane now."""
    return _sendable().filter(lane=lane).exists()


def _sendable() -> QuerySet[OutboxEntry]:
    closed = OutboxLane.objects.exclude(_awake(), _free()).values("name")
    return OutboxEntry.objects.due().exclude(lane__in=closed)


def _awake() -> Q:
    return Q(rests_until=None) | Q(rests_until__lte=Now())


def _free() -> Q:
    return Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())

"""Lanes: entries of one receiver are sent one at a time by whoever holds the lane's lease, on the database's clock.

A receiver that fails rests: a moment first, then longer and longer. After some failures in a row it counts as away: then
nothing behind the oldest entry is tried, so that order is kept until it is back. An entry that alone is not taken steps
aside instead. What waits costs nothing and keeps its tries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now, RowNumber

from builds.models import OutboxEntry, OutboxLane
from builds.models.outbox import OutboxState

# Longer than a delivery may take: 15 s in all for HTTP, 15 s at each turn of an SMTP server, 30 s for apprise.
LEASE = timedelta(seconds=90)
SHORT_REST = timedelta(seconds=5)
LONG_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=15)
FAILURES_BEFORE_LONG_REST = 4

# The oldest pending entry of each lane: one look at an index for each lane, however many wait in it.
_HEADS = """
WITH RECURSIVE head(id) AS (
    SELECT (SELECT id FROM builds_outboxentry WHERE state = 'pending' ORDER BY lane, id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT later.id FROM builds_outboxentry AS later
        WHERE later.state = 'pending' AND later.lane > (SELECT lane FROM builds_outboxentry WHERE id = head.id)
        ORDER BY later.lane, later.id LIMIT 1
    ) FROM head WHERE head.id IS NOT NULL
)
SELECT id FROM head WHERE id IS NOT NULL
"""


@dataclass(frozen=True)
class Due:
    """A lane with something to send, and whose it is."""

    lane: str
    owner: str


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

    def failed(self, until: datetime | None = None) -> None:
        """Let the receiver rest, the longer the more often it failed in a row; not less than `until`, if it said so."""
        with transaction.atomic():
            if self._row().update(failures=F("failures") + 1):
                failures = self._row().values_list("failures", flat=True).get()
                self._row().update(rests_until=Now() + rest_after(failures))
                if until is not None:
                    self._row().filter(rests_until__lt=until).update(rests_until=until)

    def next(self) -> OutboxEntry | None:
        """What is to be sent now, if anything: the oldest that is due; of a receiver that is away, the oldest."""
        pending = OutboxEntry.objects.filter(lane=self.lane, state=OutboxState.PENDING).order_by("id")
        is_away = self._row().filter(_away()).exists()
        return (pending if is_away else pending.due()).first()

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


def due_lanes(limit: int) -> list[Due]:
    """Lanes with something to send that somebody could send now, the longest waiting first."""
    heads = _sendable(OutboxEntry.objects.filter(pk__in=RawSQL(_HEADS, [])))  # noqa: S611 - no value of anybody in it
    # The first of every owner before the second of any: who has many lanes does not hide the others'.
    turn = Window(RowNumber(), partition_by=F("owner"), order_by=[F("not_before").asc(), F("id").asc()])
    rows = heads.annotate(turn=turn).order_by("turn", "not_before", "id").values_list("lane", "owner")
    return [Due(*row) for row in rows[:limit]]


def due_lane(lane: str) -> Due | None:
    """The lane, where somebody could send something in it now."""
    head = OutboxEntry.objects.filter(lane=lane, state=OutboxState.PENDING).order_by("id").values("pk")[:1]
    row = _sendable(OutboxEntry.objects.filter(pk__in=Subquery(head))).first()
    return Due(row.lane, row.owner) if row else None


def _sendable(heads: QuerySet[OutboxEntry]) -> QuerySet[OutboxEntry]:
    """Of the oldest entries of lanes those whose lane has something due."""
    lane = OutboxLane.objects.filter(name=OuterRef("lane"))
    due = OutboxEntry.objects.due().filter(lane=OuterRef("lane"))
    return heads.filter(Exists(due) | Exists(lane.filter(_away()))).exclude(Exists(lane.exclude(_awake(), _free())))


def _away() -> Q:
    return Q(failures__gte=FAILURES_BEFORE_LONG_REST)


def _awake() -> Q:
    return Q(rests_until=None) | Q(rests_until__lte=Now())


def _free() -> Q:
    return Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())

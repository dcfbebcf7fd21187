"""The outbox: effects outside are rows written with the change that causes them, delivered after, at least once.

    put(kind, key, payload)         in the transaction of the change; a key that is there already changes nothing
    @handles(kind)                  registers who delivers: takes the payload, raises DeliveryError
    deliver_due(), deliver(id)      ring the bell: lanes go to a small pool of threads of this process, nobody waits

Entries of one lane go one at a time and in order; a lane that hangs costs a thread at most 15 s a try and then rests.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from structlog.contextvars import bound_contextvars

from builds.models import OutboxEntry
from builds.models.outbox import OutboxState
from builds.outbound import lanes
from builds.outbound.errors import DeliveryError
from builds.outbound.lanes import Claim, Due
from builds.outbound.pool import Pool
from builds.signals import outbox_filled

__all__ = ["DeliveryError", "deliver", "deliver_due", "deliver_lane", "handles", "put", "wait_idle"]

log = logging.getLogger(__name__)

Payload = dict[str, Any]
RETRY_AFTER = [
    timedelta(seconds=5),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
]
# What fails and is older than this is given up: the ninth try of an entry that its receiver alone does not take.
GIVE_UP_AFTER = timedelta(days=1)
# A thread leaves a busy lane after this long, so that others get their turn.
TURN_SECONDS = 10
_AT_ONCE = 500


@dataclass(frozen=True)
class _Handler:
    deliver: Callable[[Payload], None]
    gave_up: Callable[[Payload, str], None] | None
    most_waiting: int | None


_handlers: dict[str, _Handler] = {}


def put(kind: str, key: str, payload: Payload, *, lane: str = "", owner: str = "") -> None:
    """Queue one effect in the caller's transaction: it goes out if and only if that commits.

    `key` (200 characters at most) names event and target: an entry with this key is never queued again. `lane` names
    the receiver; "" = all of this kind share one. `owner` (64 characters) says who asked for it, such as
    "organization:<uuid>": few lanes of one owner are worked at a time; "" = this service itself.
    """
    entry = OutboxEntry(kind=kind, key=key, payload=payload, lane=lane or kind, owner=owner)
    OutboxEntry.objects.bulk_create([entry], ignore_conflicts=True)
    transaction.on_commit(lambda: _ring(key), robust=True)


def handles(
    kind: str, *, gave_up: Callable[[Payload, str], None] | None = None, most_waiting: int | None = None
) -> Callable[[Callable[[Payload], None]], Callable[[Payload], None]]:
    """Register a function that delivers entries of `kind`; it must end within LEASE and may be called again.

    `gave_up(payload, error)` is called in the transaction that marks an entry dead. Where more than `most_waiting` of
    them wait in one lane, the oldest are given up; None = all of them matter.
    """

    def register(deliver: Callable[[Payload], None]) -> Callable[[Payload], None]:
        _handlers[kind] = _Handler(deliver, gave_up, most_waiting)
        return deliver

    return register


def deliver_due(limit: int = 200) -> int:
    """Hand every lane that has something due (at most `limit`) to the pool and return how many; waits for nothing."""
    due = lanes.due_lanes(limit)
    for each in due:
        _pool.hand_over(each)
    return len(due)


def deliver(entry_id: int) -> None:
    """Hand the lane of one entry to the pool; waits for nothing."""
    row = OutboxEntry.objects.filter(pk=entry_id).values_list("lane", "owner").first()
    if row is not None:
        _pool.hand_over(Due(*row))


def deliver_lane(lane: str) -> int:
    """Send what is due in one lane, in this thread, for one turn; how many entries were tried. 0: others are at it."""
    claim = lanes.claim(lane)
    if claim is None:
        return 0
    tried, end = 0, time.monotonic() + TURN_SECONDS
    try:
        while give_up_oldest(lane) and time.monotonic() < end and claim.renew():
            pass
        while entry := claim.next():
            _try(entry, claim)
            tried += 1
            if time.monotonic() > end or not claim.renew():
                break
    finally:
        claim.release()
    return tried


def wait_idle(seconds: float) -> bool:
    """Block until this process sends nothing any more; False after `seconds`."""
    return _pool.wait_idle(seconds)


def _ring(key: str) -> None:
    entry = OutboxEntry.objects.filter(key=key, state=OutboxState.PENDING).values_list("pk", flat=True).first()
    if entry is not None:
        outbox_filled.send(OutboxEntry, entry_id=entry)


def _try(entry: OutboxEntry, claim: Claim) -> None:
    try:
        with bound_contextvars(outbox=entry.pk, kind=entry.kind):
            _deliver(entry)
    except DeliveryError as error:
        _missed(entry, str(error), permanent=error.permanent)
        if not error.permanent:
            claim.failed(error.until)
    except Exception as error:
        # The thread's edge: a fault of ours must not stop the lane.
        log.exception("outbox entry=%s kind=%s could not be delivered", entry.pk, entry.kind)
        _missed(entry, f"An error of ours: {type(error).__name__}", permanent=False)
    else:
        _pending(entry).update(state=OutboxState.SENT, sent_at=Now(), attempts=entry.attempts + 1, last_error="")
        claim.arrived()


def _deliver(entry: OutboxEntry) -> None:
    handler = _handlers.get(entry.kind)
    if handler is None:
        raise DeliveryError(f"This version delivers nothing of the kind {entry.kind!r}")
    handler.deliver(entry.payload)


def give_up_oldest(lane: str) -> int:
    """Give up what has waited longest where more waits in the lane than its kind wants kept; how many, a part at a time."""
    pending = OutboxEntry.objects.filter(lane=lane, state=OutboxState.PENDING)
    newest = pending.order_by("-id").first()
    handler = _handlers.get(newest.kind) if newest else None
    if newest is None or handler is None or handler.most_waiting is None:
        return 0
    last = pending.order_by("-id").values_list("pk", flat=True)[handler.most_waiting :][:1]
    surplus = list(pending.filter(pk__lte=last[0]).order_by("id")[:_AT_ONCE]) if last else []
    _give_up(surplus, f"Not sent: more than {handler.most_waiting:,} were waiting for the same receiver")
    return len(surplus)


def _missed(entry: OutboxEntry, error: str, *, permanent: bool) -> None:
    """Plan the next try, or give the entry up where it may not or need not be tried again."""
    is_old = _pending(entry).filter(created_at__lte=Now() - GIVE_UP_AFTER).exists()
    pause = RETRY_AFTER[min(entry.attempts, len(RETRY_AFTER) - 1)]
    _pending(entry).update(attempts=entry.attempts + 1, last_error=error, not_before=Now() + pause)
    if permanent or is_old:
        _give_up([entry], error)


def _give_up(entries: list[OutboxEntry], error: str) -> None:
    with transaction.atomic():
        pending = OutboxEntry.objects.select_for_update(of=("self",), no_key=True).filter(
            pk__in=[entry.pk for entry in entries], state=OutboxState.PENDING
        )
        lost = list(pending.values_list("pk", "kind", "payload"))
        OutboxEntry.objects.filter(pk__in=[pk for pk, _, _ in lost]).update(state=OutboxState.DEAD, last_error=error)
        if lost:
            log.warning("outbox entries=%s first=%s kind=%s given up: %s", len(lost), lost[0][0], lost[0][1], error)
        for _, kind, payload in lost:
            handler = _handlers.get(kind)
            if handler is not None and handler.gave_up is not None:
                handler.gave_up(payload, error)


def _pending(entry: OutboxEntry) -> Any:
    return OutboxEntry.objects.filter(pk=entry.pk, state=OutboxState.PENDING)


_pool = Pool(deliver_lane)

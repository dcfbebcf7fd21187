"""The outbox: effects outside are rows written with the change that causes them, delivered after, at least once.

    put(kind, key, payload)         in the transaction of the change; a key that is there already changes nothing
    @handles(kind)                  registers who delivers: takes the payload, raises DeliveryError
    deliver_due(), deliver(id)      ring the bell: lanes go to a small pool of threads of this process, nobody waits

Entries of one lane go one at a time and in order; a lane that hangs costs its own thread at most 15 s a try and then rests.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models.functions import Now

from builds.models import OutboxEntry
from builds.models.outbox import OutboxState
from builds.outbound import lanes
from builds.outbound.errors import DeliveryError
from builds.outbound.lanes import Claim
from builds.signals import outbox_filled

__all__ = ["DeliveryError", "deliver", "deliver_due", "deliver_lane", "handles", "put", "wait_idle"]

log = logging.getLogger(__name__)

Payload = dict[str, Any]
RETRY_AFTER = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
]
THREADS = 8
# A thread leaves a busy lane after this long, so that others get their turn.
TURN_SECONDS = 10


@dataclass(frozen=True)
class _Handler:
    deliver: Callable[[Payload], None]
    gave_up: Callable[[Payload, str], None] | None


_handlers: dict[str, _Handler] = {}


def put(kind: str, key: str, payload: Payload, *, lane: str = "") -> None:
    """Queue one effect in the caller's transaction: it goes out if and only if that commits.

    `key` (200 characters at most) names event and target: an entry with this key is never queued again. `lane` names
    the receiver; "" = all of this kind share one.
    """
    entry = OutboxEntry(kind=kind, key=key, payload=payload, lane=lane or kind)
    OutboxEntry.objects.bulk_create([entry], ignore_conflicts=True)
    transaction.on_commit(lambda: _ring(key), robust=True)


def handles(
    kind: str, *, gave_up: Callable[[Payload, str], None] | None = None
) -> Callable[[Callable[[Payload], None]], Callable[[Payload], None]]:
    """Register a function that delivers entries of `kind`; it must end within LEASE and may be called again.

    `gave_up(payload, error)` is called in the transaction that marks an entry dead.
    """

    def register(deliver: Callable[[Payload], None]) -> Callable[[Payload], None]:
        _handlers[kind] = _Handler(deliver, gave_up)
        return deliver

    return register


def deliver_due(limit: int = 100) -> int:
    """Hand every lane that has something due (at most `limit`) to the pool and return how many; waits for nothing."""
    due = lanes.due_lanes(limit)
    for lane in due:
        _pool.hand_over(lane)
    return len(due)


def deliver(entry_id: int) -> None:
    """Hand the lane of one entry to the pool; waits for nothing."""
    lane = OutboxEntry.objects.filter(pk=entry_id).values_list("lane", flat=True).first()
    if lane is not None:
        _pool.hand_over(lane)


def deliver_lane(lane: str) -> int:
    """Send what is due in one lane, in this thread, for one turn; how many entries were tried. 0: others are at it."""
    claim = lanes.claim(lane)
    if claim is None:
        return 0
    tried, end = 0, time.monotonic() + TURN_SECONDS
    try:
        while entry := OutboxEntry.objects.due().filter(lane=lane).order_by("id").first():
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
        _deliver(entry)
    except DeliveryError as error:
        _missed(entry, str(error), permanent=error.permanent)
        if not error.permanent:
            claim.failed()
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


def _missed(entry: OutboxEntry, error: str, *, permanent: bool) -> None:
    """Plan the next try, or give the entry up where it may not or need not be tried again."""
    if not permanent and entry.attempts < len(RETRY_AFTER):
        pause = RETRY_AFTER[entry.attempts]
        _pending(entry).update(attempts=entry.attempts + 1, last_error=error, not_before=Now() + pause)
        return
    with transaction.atomic():
        dead = _pending(entry).update(state=OutboxState.DEAD, attempts=entry.attempts + 1, last_error=error)
        handler = _handlers.get(entry.kind)
        if dead and handler is not None and handler.gave_up is not None:
            handler.gave_up(entry.payload, error)
    log.warning("outbox entry=%s kind=%s given up after %s tries: %s", entry.pk, entry.kind, entry.attempts + 1, error)


def _pending(entry: OutboxEntry) -> Any:
    return OutboxEntry.objects.filter(pk=entry.pk, state=OutboxState.PENDING)


class _Pool:
    """Threads that work lanes; a lane is in one thread's hands at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="outbox")
        self._changed = threading.Condition()
        self._lanes: set[str] = set()
        self._at_work = 0

    def hand_over(self, lane: str) -> None:
        with self._changed:
            if lane not in self._lanes:
                self._lanes.add(lane)
                self._at_work += 1
                self._threads.submit(self._work, lane)

    def wait_idle(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._at_work, seconds)

    def _work(self, lane: str) -> None:
        try:
            self._take_turn(lane)
        except Exception:
            log.exception("outbox lane=%s stopped; the clock rings again", lane)
        finally:
            connections.close_all()
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def _take_turn(self, lane: str) -> None:
        try:
            deliver_lane(lane)
        finally:
            with self._changed:
                self._lanes.discard(lane)
        # Asked after letting go: a bell that rang in between found the lane in our hands and went away.
        if lanes.is_due(lane):
            self.hand_over(lane)


_pool = _Pool()

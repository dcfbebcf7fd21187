"""The threads that work lanes: shared out fairly, so that neither an owner nor slow receivers keep others waiting.

Of one owner PER_OWNER lanes are worked at a time. A lane that took SLOW_SECONDS for each entry is slow until it is quick
again, and slow ones get SLOW_THREADS together: the rest is there for whoever answers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from builds.outbound.lanes import Due, due_lane

THREADS = 12
SLOW_THREADS = 4
PER_OWNER = 2
OURS = 6  # lanes of nobody's: mail servers
MOST_WAITING = 50  # lanes of one owner; the clock brings the others
SLOW_SECONDS = 3.0
_MOST_REMEMBERED = 10_000

log = logging.getLogger(__name__)


class Pool:
    """`work(lane)` is called in a thread, and says how many entries it tried; a lane is in one thread's hands at a time."""

    def __init__(self, work: Callable[[str], int]) -> None:
        self._work = work
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="outbox")
        self._changed = threading.Condition()
        self._waiting: OrderedDict[str, deque[Due]] = OrderedDict()  # by owner, whose turn it is first
        self._known: set[str] = set()  # lanes that wait or are at work
        self._at_work: dict[int, Due] = {}
        self._slow: set[str] = set()

    def hand_over(self, due: Due) -> None:
        """Have the lane worked as soon as it is its turn; waits for nothing."""
        with self._changed:
            queue = self._waiting.setdefault(due.owner, deque())
            if due.lane not in self._known and len(queue) < MOST_WAITING:
                self._known.add(due.lane)
                queue.append(due)
            self._fill()

    def wait_idle(self, seconds: float) -> bool:
        """Block until nothing waits and nothing is at work; False after `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._known and not self._at_work, seconds)

    def _fill(self) -> None:
        while len(self._at_work) < THREADS and (due := self._choose()) is not None:
            self._at_work[id(due)] = due
            self._threads.submit(self._take_turn, due)

    def _choose(self) -> Due | None:
        """The next lane, taken out of its queue: owners take turns."""
        busy = Counter(due.owner for due in self._at_work.values())
        slow_may = sum(due.lane in self._slow for due in self._at_work.values()) < SLOW_THREADS
        for owner, queue in list(self._waiting.items()):
            if busy[owner] >= (PER_OWNER if owner else OURS):
                continue
            due = next((due for due in queue if slow_may or due.lane not in self._slow), None)
            if due is not None:
                queue.remove(due)
                self._waiting.move_to_end(owner)
                return due
            if not queue:
                del self._waiting[owner]
        return None

    def _take_turn(self, due: Due) -> None:
        try:
            self._time(due.lane)
        except Exception:
            # The thread's edge; what was not sent is still due.
            log.exception("outbox lane=%s stopped; the clock rings again", due.lane)
        with self._changed:
            self._known.discard(due.lane)
        # Asked after letting go: a bell that rang in between found the lane in our hands and went away.
        if again := _still_due(due.lane):
            self.hand_over(again)
        with self._changed:
            del self._at_work[id(due)]
            self._fill()
            self._changed.notify_all()

    def _time(self, lane: str) -> None:
        began = time.monotonic()
        tried = self._work(lane)
        is_slow = bool(tried) and (time.monotonic() - began) / tried > SLOW_SECONDS
        with self._changed:
            if len(self._slow) > _MOST_REMEMBERED:
                self._slow.clear()
            if is_slow:
                self._slow.add(lane)
            elif tried:
                self._slow.discard(lane)


def _still_due(lane: str) -> Due | None:
    try:
        return due_lane(lane)
    except Exception:
        # The thread's edge, as above.
        log.exception("outbox lane=%s could not be looked at; the clock rings again", lane)
        return None
    finally:
        connections.close_all()

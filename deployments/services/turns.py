"""Threads of a worker that open addresses, so that one which hangs holds up neither its tasks nor other projects."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone

from deployments.models import Environment, Stage

log = logging.getLogger(__name__)

THREADS = 16
LEASE = timedelta(seconds=25)  # enough for reading the rows, and for a few addresses
A_PROJECT = 2  # looks of one project at one time
# The clock rings every two seconds, and what is due a moment after a turn would wait for a whole one.
EARLY = timedelta(milliseconds=500)

Key = tuple[str, int]


def lease(rows: QuerySet[Stage] | QuerySet[Environment], seen: datetime, length: timedelta = LEASE) -> datetime | None:
    """Take the one row in `rows`, if its `look_at` is still what was seen: nobody else looks before the time returned.

    None: somebody was first. Whoever took it may decide as long as `look_at` is that time.
    """
    until = timezone.now() + length
    return until if rows.filter(look_at=seen).update(look_at=until) else None


class Turns:
    """A pool that has each key at most once, and few of each project."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="look")
        self._changed = threading.Condition()
        self._keys: set[Key] = set()
        self._projects: Counter[int] = Counter()

    def busy_projects(self) -> list[int]:
        """Those that have had their share for now."""
        with self._changed:
            return [project for project, looks in self._projects.items() if looks >= A_PROJECT]

    def take(self, key: Key, project: int, act: Callable[[], object]) -> bool:
        """Have `act` called in a thread. False: it is there already, or the project has its share."""
        with self._changed:
            if key in self._keys or self._projects[project] >= A_PROJECT:
                return False
            self._keys.add(key)
            self._projects[project] += 1
        self._threads.submit(self._work, key, project, act)
        return True

    def wait_idle(self, seconds: float) -> bool:
        """Block until nothing is looked at any more; False after `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._keys, seconds)

    def _work(self, key: Key, project: int, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception:
            log.exception("looking at %s %s failed; the clock rings again", *key)
        finally:
            connections.close_all()
            with self._changed:
                self._keys.discard(key)
                self._projects[project] -= 1
                if not self._projects[project]:
                    del self._projects[project]
                self._changed.notify_all()


turns = Turns()

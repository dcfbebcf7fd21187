"""What keeps the leases of a process alive: a thread that talks to the database only, and one that trusts no one.

The first renews leases, and looks for orders twice a second while jobs run. The second knows nothing but the monotonic
clock: where a lease was not renewed in time, for whatever reason, it stops the job before anybody else may take it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.db import close_old_connections, connection

from builds.runner.held import HeldJobs
from builds.runner.times import Times
from builds.services.heartbeat import Orders, heartbeat, watch
from runners.contract import StopReason

log = logging.getLogger(__name__)


class Heart:
    """Both threads; `pulse` writes the runner's own row."""

    def __init__(
        self,
        held: HeldJobs,
        times: Times,
        pulse: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._held = held
        self._times = times
        self._pulse = pulse
        self._clock = clock
        self._due = clock()
        self._is_away = False

    def beat_until(self, stopping: threading.Event) -> None:
        """The thread that talks to the database."""
        while not stopping.is_set():
            self._turn()
            stopping.wait(self._times.watch)
        connection.close()

    def fence_until(self, stopping: threading.Event) -> None:
        """The thread that watches the clock."""
        while not stopping.wait(self._times.fence_tick):
            for job_id in self._held.fence(self._times.self_fence):
                log.error("job=%s: no heartbeat for %s s, it is stopped here", job_id, self._times.self_fence)

    def _turn(self) -> None:
        try:
            close_old_connections()
            self._beat_or_watch()
            self._is_away = False
        except Exception as error:
            # Tried again at once and for ever: leases depend on it. Said once.
            if not self._is_away:
                log.exception("no heartbeat: %s", error)
            self._is_away = True
            connection.close()

    def _beat_or_watch(self) -> None:
        asked_at = self._clock()
        claims = self._held.claims()
        if asked_at < self._due:
            if claims:
                self._obey(watch(claims))
            return
        if claims:
            orders = heartbeat(claims)
            self._held.renew(orders.renewed, at=asked_at)
            self._obey(orders)
        self._pulse()
        self._due = asked_at + self._times.heartbeat

    def _obey(self, orders: Orders) -> None:
        self._held.order(orders.lost, StopReason.LOST_LEASE)
        self._held.order(orders.cancelled, StopReason.CANCELLED)
        self._held.order(orders.overdue, StopReason.TIMED_OUT)

"""Watches the time limits of one job from a single thread: of the job, of each step, and of silence."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf

from runners.contract import Stop, StopReason


@dataclass
class Watch:
    """One thing watched; `touch` it when it gives a sign of life."""

    stop: Stop
    deadline: float = inf  # on the monotonic clock
    silence: float = inf  # seconds
    heard: float = field(default_factory=time.monotonic)

    def touch(self) -> None:
        """It printed something."""
        self.heard = time.monotonic()

    @property
    def due(self) -> float:
        """When it is to be looked at next."""
        return min(self.deadline, self.heard + self.silence)

    def passed(self, now: float) -> StopReason | None:
        """Which of its limits has passed."""
        if now >= self.deadline:
            return StopReason.TIMED_OUT
        return StopReason.SILENT if now >= self.heard + self.silence else None


class Watchdog:
    """A context manager: the thread lives as long as the block."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watches: list[Watch] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    @contextmanager
    def watching(self, stop: Stop, *, seconds: float | None = None, silence: float | None = None) -> Iterator[Watch]:
        """Stop it after `seconds`, or after `silence` seconds without a touch; None = no limit."""
        watch = Watch(
            stop=stop,
            deadline=inf if seconds is None else time.monotonic() + seconds,
            silence=inf if silence is None else silence,
        )
        with self._changed:
            self._watches.append(watch)
            self._changed.notify()
        try:
            yield watch
        finally:
            with self._changed:
                if watch in self._watches:
                    self._watches.remove(watch)

    def _run(self) -> None:
        while (over := self._next()) is not None:
            # Outside of the lock: what an order sets off may take its time.
            for watch, reason in over:
                watch.stop.order(reason)

    def _next(self) -> list[tuple[Watch, StopReason]] | None:
        """Wait until a limit has passed, and take what it was of off the list; None when closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                # Judged once: what is off the list is stopped, even where it prints in this moment.
                over = [(watch, reason) for watch in self._watches if (reason := watch.passed(now)) is not None]
                if over:
                    gone = [watch for watch, _ in over]
                    self._watches = [watch for watch in self._watches if watch not in gone]
                    return over
                next_due = min((watch.due for watch in self._watches), default=inf)
                self._changed.wait(None if next_due == inf else min(next_due - now, threading.TIMEOUT_MAX))
            return None

"""Do at once what many threads ask for at a time: one transaction, and one wait for the disk, for all of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import connection

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 64


class Together(Generic[Item, Result]):
    """Whoever asks while nobody works does the work for all who wait; the next of those who came meanwhile goes on.

    `work` takes items, in the order of their coming, to as many results, in one transaction. Where it fails for several,
    each is tried alone, in its own thread, so that nobody fails or waits for another's fault. `after` hears the results
    when everybody has theirs; it must not fail.
    """

    def __init__(self, work: Callable[[list[Item]], list[Result]], after: Callable[[list[Result]], None]) -> None:
        self._work = work
        self._after = after
        self._lock = threading.Lock()
        self._waiting: deque[_Asked[Item, Result]] = deque()
        self._is_busy = False

    def do(self, item: Item) -> Result:
        """The item's result; what `work` raises for it alone."""
        if connection.in_atomic_block:
            return self._alone(item)  # of the caller's transaction, in which nobody else's work belongs
        asked: _Asked[Item, Result] = _Asked(item)
        if not self._is_first(asked):
            asked.wait()
        if asked.is_to_lead:
            self._lead(asked)
        if asked.error is not None:
            raise asked.error
        return asked.results[0] if asked.results else self._alone(item)

    def _is_first(self, asked: _Asked[Item, Result]) -> bool:
        with self._lock:
            self._waiting.append(asked)
            asked.is_to_lead = not self._is_busy
            self._is_busy = True
            return asked.is_to_lead

    def _lead(self, asked: _Asked[Item, Result]) -> None:
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
        try:
            self._fill(batch)
        finally:
            self._hand_over()
            for other in batch:
                if other is not asked:
                    other.wake()
        if asked.results:
            self._after([one.results[0] for one in batch])

    def _fill(self, batch: list[_Asked[Item, Result]]) -> None:
        try:
            results = self._work([one.item for one in batch])
        except Exception as error:  # noqa: BLE001  # of one it is raised again, of several each is tried alone
            batch[0].error = error if len(batch) == 1 else None
            return
        for one, result in zip(batch, results, strict=True):
            one.results.append(result)

    def _hand_over(self) -> None:
        with self._lock:
            self._is_busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].is_to_lead = True
                self._waiting[0].wake()

    def _alone(self, item: Item) -> Result:
        results = self._work([item])
        self._after(results)
        return results[0]


class _Asked(Generic[Item, Result]):
    """One item, and the thread that waits for what comes of it."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.results: list[Result] = []
        self.error: Exception | None = None
        self.is_to_lead = False
        self._woken = threading.Lock()
        self._woken.acquire()

    def wait(self) -> None:
        """Until `wake`, which always comes: whoever works wakes all, however that ends."""
        self._woken.acquire()

    def wake(self) -> None:
        """Let the thread go on."""
        self._woken.release()

"""Do at once what many ask for at a time: one transaction, and one wait for the disk, for all of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.db import close_old_connections, connection

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 64
ALONE = 4


class Together(Generic[Item, Result]):
    """One thread does all that waits; what comes meanwhile is done next. Nobody who asked holds a thread.

    `work` takes at most MOST items, in the order of their coming, to as many results, in one transaction. Where it fails,
    each is done again by `alone`, in one of ALONE other threads, so that nobody fails or waits for another's fault. `after`
    hears the results when everybody has theirs; it must not fail.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        alone: Callable[[Sequence[Item]], Sequence[Result]],
        after: Callable[[Sequence[Result]], None],
    ) -> None:
        self._work = work
        self._alone = alone
        self._after = after
        self._lock = threading.Lock()
        self._waiting: deque[_Asked[Item, Result]] = deque()
        self._is_busy = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="together")
        self._others = ThreadPoolExecutor(ALONE, thread_name_prefix="alone")

    def submit(self, item: Item) -> Future[Result]:
        """The promise of the item's result, or of what `alone` raises for it; it cannot be cancelled."""
        asked: _Asked[Item, Result] = _Asked(item)
        asked.promise.set_running_or_notify_cancel()
        with self._lock:
            self._waiting.append(asked)
            is_first, self._is_busy = not self._is_busy, True
        if is_first:
            self._thread.submit(self._work_off)
        return asked.promise

    def stop(self) -> None:
        """Do what waits, and end the threads."""
        self._thread.shutdown()
        self._others.shutdown()

    def _work_off(self) -> None:
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
        try:
            self._do(batch)
        finally:
            with self._lock:
                self._is_busy = bool(self._waiting)
                if self._is_busy:
                    self._thread.submit(self._work_off)

    def _do(self, batch: list[_Asked[Item, Result]]) -> None:
        try:
            close_old_connections()
            results = self._work([one.item for one in batch])
        except Exception:  # noqa: BLE001  # who is to blame is found by trying each alone
            for one in batch:
                self._others.submit(self._do_alone, one)
            return
        for one, result in zip(batch, results, strict=True):
            one.promise.set_result(result)
        self._after(results)

    def _do_alone(self, one: _Asked[Item, Result]) -> None:
        try:
            results = self._alone([one.item])
        except Exception as error:  # noqa: BLE001  # raised again where the promise is waited for
            one.promise.set_exception(error)
            return
        finally:
            connection.close()
        one.promise.set_result(results[0])
        self._after(results)


@dataclass(frozen=True)
class _Asked(Generic[Item, Result]):
    """One item, and what is promised to who asked."""

    item: Item
    promise: Future[Result] = field(default_factory=Future)

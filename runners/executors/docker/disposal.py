"""Removes things off the critical path: a step's result does not wait until its containers are gone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from runners.errors import RunnerError

logger = logging.getLogger(__name__)

THREADS = 2
MOST_WAITING = 64
ATTEMPTS = 4


class Disposal:
    """A few threads that remove what they are given, in order, and try again. What fails for good is left to the sweep."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="docker-disposal")
        self._places = threading.Semaphore(MOST_WAITING)

    def add(self, *removals: Callable[[], object]) -> None:
        """Run them one after the other, soon. Waits where very many wait already; runs at once after `close`."""
        self._places.acquire()
        try:
            self._pool.submit(self._run, removals)
        except RuntimeError:  # closed
            self._run(removals)

    def close(self) -> None:
        """Wait until everything is removed."""
        self._pool.shutdown(wait=True)

    def _run(self, removals: tuple[Callable[[], object], ...]) -> None:
        try:
            for removal in removals:
                _try(removal)
        finally:
            self._places.release()


def _try(removal: Callable[[], object]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            removal()
        except (RunnerError, OSError) as error:
            if attempt == ATTEMPTS:
                logger.warning("left for the sweep: %s", error)
            else:
                time.sleep(0.2 * 3**attempt)
        else:
            return

"""Rings bells: sends wake-ups by Celery, without ever making anybody wait for a broker that is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

QUIET_SECONDS = 5.0


class Bells:
    """Rings what it is told to. After a failure nothing is rung for a moment: a frozen broker costs a request one second.

    Nothing is lost by silence: runners poll, and the beat rings again for whatever still waits.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quiet_until = clock()

    def ring(self, task: Any, *arguments: int) -> bool:
        """Send the task; False where the broker did not take it within a second, or has just failed to."""
        if self._clock() < self._quiet_until:
            return False
        try:
            task.apply_async(arguments, retry=False)
        except Exception as error:  # noqa: BLE001  # the edge to the broker, whose transports have errors of their own
            self._quiet_until = self._clock() + QUIET_SECONDS
            log.warning("the bell %s was not rung: %s", task.name, error)
            return False
        return True


_bells = Bells()


def ring(task: Any, *arguments: int) -> bool:
    """Ring with the bells of this process."""
    return _bells.ring(task, *arguments)

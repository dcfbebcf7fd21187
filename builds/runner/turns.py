"""Work that a process does again and again, each in a thread of its own that outlives whatever it talks to."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

from django.db import close_old_connections, connection

from builds.services.fence import is_away
from runners.errors import RunnerError

log = logging.getLogger(__name__)

_LONGEST_PAUSE_SECONDS = 30


class Turns:
    """Runs `action` about every `seconds`, and whenever it is woken, until it is stopped. Failures are waited out."""

    def __init__(self, name: str, seconds: float, action: Callable[[], object]) -> None:
        self._name = name
        self._seconds = seconds
        self._action = action
        self._woken = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"runner-{name}", daemon=True)

    def start(self) -> None:
        """Begin with a turn at once."""
        self._thread.start()

    def wake(self) -> None:
        """Have a turn now, or another one after the one that goes on; never blocks."""
        self._woken.set()

    def stop(self, *, seconds: float) -> None:
        """Have no further turn, and wait at most `seconds` for the present one."""
        self._stopping = True
        self._woken.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            self._woken.clear()
            failures = 0 if self._turn() else failures + 1
            if not self._stopping:
                self._woken.wait(self._pause(failures))
        connection.close()

    def _turn(self) -> bool:
        try:
            close_old_connections()
            self._action()
        except RunnerError as error:
            log.warning("runner %s: %s", self._name, error)
        except Exception as error:
            if is_away(error):
                log.warning("runner %s: %s", self._name, error)
            else:
                log.exception("runner %s", self._name)
        else:
            return True
        connection.close()
        return False

    def _pause(self, failures: int) -> float:
        if failures:
            return min(2.0 ** (failures - 1), _LONGEST_PAUSE_SECONDS)
        return self._seconds * random.uniform(0.8, 1.2)  # noqa: S311  # so that many runners do not ask in step

"""Ends what a step started when somebody orders it to stop: gently, and after a while for good."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

from runners.contract import Stop, StopReason
from runners.errors import EngineError
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.session import SHELL, TOKEN

logger = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
UNHEARD_KILL_SECONDS = 2.0
AFTER_KILL_SECONDS = 5.0  # then the step ends without its processes; removing them goes on

# Signals the processes of a step, which all inherited its variable: TERM only the first of them, which may want to
# clean up with the help of the others, KILL every one, also what left its group or session.
_SIGNAL = """
for folder in /proc/[0-9]*; do
  process=${folder#/proc/}
  [ "$process" != "$$" ] && grep -qs "$1" "$folder/environ" || continue
  if [ "$2" = TERM ]; then
    while read -r key value; do
      if [ "$key" = PPid: ]; then break; fi
    done <"$folder/status"
    if grep -qs "$1" "/proc/$value/environ"; then continue; fi
  fi
  kill -s "$2" "$process"
done 2>/dev/null
"""


class Ending(ABC):
    """Waits for the order while a step runs in its `with` block."""

    def __init__(self, engine: Engine, stop: Stop) -> None:
        self._engine, self._stop = engine, stop
        self._finished = threading.Event()
        self._killed_at = float("inf")
        self._thread: threading.Thread | None = None
        self._forget: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        self._forget = self._stop.on_order(self._ordered)
        return self

    def __exit__(self, *_: object) -> None:
        self._forget()
        self._finished.set()
        if self._thread is not None:
            self._thread.join()

    def is_given_up(self) -> bool:
        """Whether everything was killed, had its time, and still does not end as far as the engine says."""
        return time.monotonic() > self._killed_at + AFTER_KILL_SECONDS

    @abstractmethod
    def _end(self, reason: StopReason) -> None:
        """Do it, in a thread of its own; return early where `_finished` is set. EngineError is logged."""

    def _ordered(self, reason: StopReason) -> None:
        # The thread that orders must not wait for the engine.
        self._thread = threading.Thread(target=self._run, args=(reason,), name="docker-ending")
        self._thread.start()

    def _run(self, reason: StopReason) -> None:
        try:
            self._end(reason)
        except EngineError as error:
            logger.warning("could not end a step: %s", error)
        finally:
            self._killed_at = time.monotonic()


class ContainerEnding(Ending):
    """The step has containers of its own: SIGTERM, GRACE_SECONDS later SIGKILL; those of a ghost at once."""

    def __init__(self, engine: Engine, stop: Stop) -> None:
        super().__init__(engine, stop)
        self._containers: list[str] = []

    def add(self, container: str) -> None:
        """From now on it ends with the others, at once where the order was given already."""
        self._containers.append(container)
        if self._stop.reason is not None:
            self._engine.signal(container, "SIGKILL")

    def _end(self, reason: StopReason) -> None:
        if reason is not StopReason.LOST_LEASE:
            self._signal_all("SIGTERM")
            if self._finished.wait(GRACE_SECONDS):
                return
        self._signal_all("SIGKILL")

    def _signal_all(self, name: str) -> None:
        for container in list(self._containers):
            self._engine.signal(container, name)


class ProcessEnding(Ending):
    """The step runs in a container that others may still use: its processes are found by their `token`."""

    def __init__(self, engine: Engine, stop: Stop, container: str) -> None:
        super().__init__(engine, stop)
        self._container = container
        self.token = secrets.token_hex(8)

    def _end(self, reason: StopReason) -> None:
        if reason is not StopReason.LOST_LEASE:
            self._signal("TERM")
            is_gentle = self._finished.wait(GRACE_SECONDS)
            self._signal("KILL")
            if is_gentle or self._finished.wait(UNHEARD_KILL_SECONDS):
                return
        self._engine.signal(self._container, "SIGKILL")

    def _signal(self, signal: str) -> None:
        command = [SHELL, "-c", _SIGNAL, "signal", f"{TOKEN}={self.token}", signal]
        with contextlib.suppress(Refused):
            attachment = self._engine.execute(self._container, command)
            try:
                while attachment.read(UNHEARD_KILL_SECONDS):
                    pass
            finally:
                attachment.close()

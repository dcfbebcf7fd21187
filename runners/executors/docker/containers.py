"""Runs containers to their end: create, attach, start, read all they print, and end them when somebody says so."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runners.contract import Stop, StopReason
from runners.errors import EngineError, RunnerError
from runners.executors.docker.engine import Engine, Refused, State
from runners.executors.docker.streams import Attachment

logger = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
AFTER_KILL_SECONDS = 5.0  # then the step ends without the container; removing it goes on
DRAIN_SECONDS = 5.0
LOOK_SECONDS = 1.0
QUIET_LOOKS = 15  # silent looks until the engine is asked whether the container still runs


@dataclass(frozen=True)
class Running:
    """A started container and its output from the first byte on."""

    id: str
    attachment: Attachment


def launch(engine: Engine, name: str, config: Mapping[str, Any], *, stdin: bool = False) -> Running:
    """Create, attach, start: in this order nothing it prints is lost. `Refused` where the engine cannot."""
    container = engine.create(name, config)
    attachment = engine.attach(container, stdin=stdin)
    try:
        engine.start(container)
    except (RunnerError, Refused):
        attachment.close()
        raise
    return Running(container, attachment)


def follow(
    engine: Engine, running: Running, write: Callable[[bytes], None], is_given_up: Callable[[], bool] = lambda: False
) -> State:
    """Pass on all it prints until it ends, and say how it ended: the end of the stream alone proves nothing."""
    attachment = running.attachment
    try:
        while True:
            _read_all(engine, running.id, attachment, write, is_given_up)
            if is_given_up():
                return engine.state(running.id)
            state = engine.ended(running.id, int(DRAIN_SECONDS))
            if not state.running:
                return state
            attachment.close()
            attachment = _attach_again(engine, running.id)
            write(b"\n(the connection to the Docker engine broke; some output may be missing here)\n")
    finally:
        attachment.close()


def _read_all(
    engine: Engine,
    container: str,
    attachment: Attachment,
    write: Callable[[bytes], None],
    is_given_up: Callable[[], bool],
) -> None:
    """Until the stream ends, the step is given up, or the container ended DRAIN_SECONDS ago and nothing more comes."""
    quiet = 0
    while (data := attachment.read(LOOK_SECONDS)) != b"":
        if data is not None:
            write(data)
            quiet = 0
            continue
        quiet += 1
        if is_given_up():
            return
        if quiet >= QUIET_LOOKS and quiet % int(DRAIN_SECONDS) == 0 and not engine.state(container).running:
            return


def _attach_again(engine: Engine, container: str) -> Attachment:
    try:
        return engine.attach(container)
    except Refused as refusal:
        raise EngineError(f"The output of a container was lost: {refusal}") from refusal


class Ending:
    """Ends the containers of a step when `stop` is ordered: SIGTERM, GRACE_SECONDS later SIGKILL; a ghost's at once."""

    def __init__(self, engine: Engine, stop: Stop) -> None:
        self._engine, self._stop = engine, stop
        self._containers: list[str] = []
        self._finished = threading.Event()
        self._thread: threading.Thread | None = None
        self._killed_at = float("inf")
        self._forget: Callable[[], None] = lambda: None

    def __enter__(self) -> Ending:
        self._forget = self._stop.on_order(self._ordered)
        return self

    def __exit__(self, *_: object) -> None:
        self._forget()
        self._finished.set()
        if self._thread is not None:
            self._thread.join()

    def add(self, container: str) -> None:
        """From now on it ends with the others, at once where the order was given already."""
        self._containers.append(container)
        if self._stop.reason is not None:
            self._engine.signal(container, "SIGKILL")

    def is_given_up(self) -> bool:
        """Whether the containers had their time and the engine still does not say that they ended."""
        return time.monotonic() > self._killed_at + AFTER_KILL_SECONDS

    def _ordered(self, reason: StopReason) -> None:
        # The thread that orders must not wait for the engine.
        self._thread = threading.Thread(target=self._end, args=(reason,), name="docker-ending")
        self._thread.start()

    def _end(self, reason: StopReason) -> None:
        if reason is not StopReason.LOST_LEASE:
            self._signal_all("SIGTERM")
            if self._finished.wait(GRACE_SECONDS):
                return
        self._signal_all("SIGKILL")
        self._killed_at = time.monotonic()

    def _signal_all(self, name: str) -> None:
        for container in list(self._containers):
            try:
                self._engine.signal(container, name)
            except EngineError as error:
                logger.warning("could not send %s to container=%s: %s", name, container, error)

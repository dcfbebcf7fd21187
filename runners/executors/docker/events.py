"""Listens to the engine, to tell a step that failed from a container that somebody else ended.

When dockerd shuts down it ends every container, which then looks as if the project's command had been killed: exit
code 137 or 143, and nothing else. Here an event says that a signal came from outside, and a broken stream that the
engine was away.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections import OrderedDict
from typing import Any

from runners.errors import EngineError
from runners.executors.docker import labels
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.streams import Lines
from runners.executors.docker.verdict import KILLED

logger = logging.getLogger(__name__)

OUTAGE_SECONDS = 30.0
RECONNECT_SECONDS = 0.5
NEWS_SECONDS = 0.5  # how long news of a container's end may take to arrive after the end
MOST_REMEMBERED = 10_000


class Events:
    """Remembers, for containers of this instance, when the kernel ran out of memory in them and who was sent signals."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine, self._instance = engine, instance
        self._out_of_memory: OrderedDict[str, float] = OrderedDict()
        self._signalled: OrderedDict[str, float] = OrderedDict()
        self._changed = threading.Condition()
        self._broke_at = float("-inf")
        self._closed = threading.Event()
        self._lines: Lines | None = None
        self._thread = threading.Thread(target=self._listen, name="docker-events")

    def open(self) -> None:
        """Begin to listen; what happens from now on is heard."""
        self._lines = self._connect()
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._closed.set()
        if self._lines is not None:
            self._lines.close()
        if self._thread.is_alive():
            self._thread.join()

    def ran_out_of_memory(self, container: str, since: float, exit_code: int) -> bool:
        """Whether it did after `since` (monotonic seconds); news that the exit code speaks for are waited for."""
        patience = NEWS_SECONDS if exit_code in KILLED else 0
        with self._changed:
            return self._changed.wait_for(lambda: self._out_of_memory.get(container, 0.0) > since, patience)

    def ended_from_outside(self, container: str) -> bool:
        """Whether it was sent a signal through the engine, or the engine was away lately."""
        with self._changed:
            return container in self._signalled or time.monotonic() - self._broke_at < OUTAGE_SECONDS

    def _connect(self) -> Lines:
        chosen = {"type": ["container"], "event": ["oom", "kill"], "label": [labels.of_instance(self._instance)]}
        return self._engine.stream("GET", "/events", {"filters": json.dumps(chosen)})

    def _listen(self) -> None:
        while not self._closed.is_set():
            if self._lines is not None:
                for line in self._lines:
                    self._take(line)
                self._lines.release()
                self._lines = None
                self._mark_outage()
                if not self._closed.is_set():
                    logger.warning("the Docker engine ended the stream of its events")
            elif not self._closed.wait(RECONNECT_SECONDS):
                with contextlib.suppress(EngineError, Refused):
                    self._lines = self._connect()
                self._mark_outage()
        if self._lines is not None:
            self._lines.release()

    def _mark_outage(self) -> None:
        with self._changed:
            self._broke_at = time.monotonic()
            self._changed.notify_all()

    def _take(self, line: bytes) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            event: dict[str, Any] = json.loads(line)
            memory = self._out_of_memory if event["Action"] == "oom" else self._signalled
            with self._changed:
                memory[event["Actor"]["ID"]] = time.monotonic()
                while len(memory) > MOST_REMEMBERED:
                    memory.popitem(last=False)
                self._changed.notify_all()

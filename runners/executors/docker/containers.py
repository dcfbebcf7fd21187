"""Runs containers to their end: create, attach, start, read all they print, and end them when somebody says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runners.errors import EngineError, RunnerError
from runners.executors.docker.engine import Engine, Refused, State
from runners.executors.docker.streams import Attachment

DRAIN_SECONDS = 5.0
LOOK_SECONDS = 1.0
QUIET_LOOKS = 15  # silent looks until the engine is asked whether the container still runs


@dataclass(frozen=True)
class Running:
    """A started container and its output from the first byte on."""

    id: str
    attachment: Attachment


def launch(
    engine: Engine,
    name: str,
    config: Mapping[str, Any],
    *,
    stdin: bool = False,
    furnish: Callable[[str], None] | None = None,
) -> Running:
    """Create, attach, start: in this order nothing it prints is lost. `Refused` where the engine cannot.

    `furnish` is given the container's id before it starts.
    """
    container = engine.create(name, config)
    if furnish is not None:
        furnish(container)
    attachment = engine.attach(container, stdin=stdin)
    try:
        engine.start(container)
    except (RunnerError, Refused):
        attachment.close()
        raise
    return Running(container, attachment)


def follow(engine: Engine, running: Running, write: Callable[[bytes], None], is_given_up: Callable[[], bool]) -> State:
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

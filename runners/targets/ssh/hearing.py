"""What a command on a host prints, line by line, until it has ended."""

from __future__ import annotations

import codecs
import time
from collections import deque
from collections.abc import Callable

import paramiko

_LOOK_SECONDS = 0.2
# What a command left running may hold its output for ever; so long is heard what it printed last.
_AFTERWARDS_SECONDS = 1.0
_CHUNK = 65536
_MOST_LINE = 8192  # characters; a longer one comes in pieces
_KEPT_LINES = 50

OnLine = Callable[[str], None]


def unheard(_: str) -> None:
    """For what nobody wants to read."""


class Words:
    """Bytes as lines. With `has_number` the first line is the number of the process, and no output."""

    def __init__(self, on_line: OnLine, *, has_number: bool = False) -> None:
        self._on_line, self._has_number = on_line, has_number
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._kept: deque[str] = deque(maxlen=_KEPT_LINES)
        self.number = ""

    def feed(self, data: bytes) -> None:
        """Tell what is whole."""
        *lines, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        for line in lines:
            self._tell(line)
        while len(self._rest) > _MOST_LINE:
            self._tell(self._rest[:_MOST_LINE])
            self._rest = self._rest[_MOST_LINE:]

    def end(self) -> tuple[str, ...]:
        """Tell the rest; the last lines of all."""
        if self._rest:
            self._tell(self._rest)
            self._rest = ""
        return tuple(self._kept)

    def _tell(self, line: str) -> None:
        line = line.rstrip("\r")
        if self._has_number and not self.number:
            self.number = line.strip() or "?"
            return
        self._kept.append(line)
        self._on_line(line)


def hear(channel: paramiko.Channel, words: Words, seconds: float) -> bool:
    """Until the command has ended or the connection broke; False where that takes longer."""
    deadline = time.monotonic() + seconds
    ended_at = None
    channel.settimeout(_LOOK_SECONDS)
    while True:
        now = time.monotonic()
        has_ended = channel.exit_status_ready() or channel.closed
        ended_at = ended_at or (now if has_ended else None)
        try:
            data = channel.recv(_CHUNK)
        except TimeoutError:
            data = None
        if data:
            words.feed(data)
        elif has_ended:
            return True
        elif data == b"":  # it closed its output, and goes on
            channel.status_event.wait(_LOOK_SECONDS)
        if ended_at is not None and now - ended_at > _AFTERWARDS_SECONDS:
            return True
        if ended_at is None and now > deadline:
            return False

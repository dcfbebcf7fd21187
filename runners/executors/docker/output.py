"""One step's log from several containers: the step's own bytes untouched, those of its services line by line, labelled."""

from __future__ import annotations

import threading

from runners.contract import Output

MOST_SERVICE_BYTES = 4 * 1024 * 1024  # of one service in one step
MOST_LINE_BYTES = 16 * 1024
MOST_HELD_BYTES = 64 * 1024


class StepOutput:
    """Lets one thread at a time write, and services only between the step's lines. Silent after `close`."""

    def __init__(self, on_output: Output) -> None:
        self._on_output = on_output
        self._lock = threading.Lock()
        self._at_line_start = True
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._closed = False

    def write(self, data: bytes) -> None:
        """The step's own output, verbatim."""
        with self._lock:
            if self._closed:
                return
            self._on_output(data)
            self._at_line_start = data.endswith(b"\n")
            if self._at_line_start:
                self._release()

    def say(self, text: str) -> None:
        """A line of ours."""
        self.insert(text.encode() + b"\n")

    def insert(self, lines: bytes) -> None:
        """Whole lines from beside the step: they wait while the step is in the middle of a line, but not for ever."""
        with self._lock:
            if self._closed:
                return
            self._held.append(lines)
            self._held_bytes += len(lines)
            if self._at_line_start:
                self._release()
            elif self._held_bytes > MOST_HELD_BYTES:
                self._on_output(b"\n")
                self._release()

    def close(self) -> None:
        """Let out what waits, and nothing more."""
        with self._lock:
            if self._held and not self._closed:
                if not self._at_line_start:
                    self._on_output(b"\n")
                self._release()
            self._closed = True

    def _release(self) -> None:
        if self._held:
            self._on_output(b"".join(self._held))
            self._held.clear()
            self._held_bytes = 0
        self._at_line_start = True


class ServiceOutput:
    """What one service prints beside a step: `redis | ready to accept connections`. One thread feeds it."""

    def __init__(self, output: StepOutput, service: str) -> None:
        self._output = output
        self._label = f"{service} | ".encode()
        self._rest = b""
        self._bytes = 0

    def feed(self, data: bytes) -> None:
        """Bytes as they come; whole lines go on, up to MOST_SERVICE_BYTES in all."""
        if self._bytes > MOST_SERVICE_BYTES:
            return
        self._bytes += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MOST_LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        self._pass(lines)
        if self._bytes > MOST_SERVICE_BYTES:
            self._pass([b"(the further output of this service is left out)"])

    def end(self) -> None:
        """The service ended, perhaps in the middle of a line."""
        if self._rest and self._bytes <= MOST_SERVICE_BYTES:
            self._pass([self._rest])
        self._rest = b""

    def _pass(self, lines: list[bytes]) -> None:
        if lines:
            self._output.insert(b"".join(self._label + line + b"\n" for line in lines))

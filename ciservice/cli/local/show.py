"""Shows a run in a terminal: every line with its step's name before it, and what runs now in a line at the end."""

from __future__ import annotations

import sys
import threading
import time
from importlib import import_module
from typing import IO, Protocol

from runners.contract import Outcome, StepPath, StepResult, StepSpec

MOST_LINE_BYTES = 64 * 1024
_MARKS = {Outcome.PASSED: "success ✔", Outcome.SKIPPED: "skipped"}
_STYLES = {Outcome.PASSED: "green", Outcome.SKIPPED: "dim"}


class Screen(Protocol):
    """Where lines go. Called by one thread at a time."""

    def line(self, step: str, text: str, style: str = "") -> None:
        """One line, of a step or ("") of ours."""

    def now(self, steps: list[str]) -> None:
        """These run."""

    def close(self) -> None:
        """Nothing more comes."""


class Plain:
    """A file, a pipe, a dumb terminal."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def line(self, step: str, text: str, style: str = "") -> None:
        """As `jet` wrote it."""
        self._out.write(f"(step: {step}) {text}\n" if step else f"{text}\n")
        self._out.flush()

    def now(self, steps: list[str]) -> None:
        """Lines alone say it."""

    def close(self) -> None:
        """Nothing was taken."""


class Printer:
    """The observer of a run. Thread-safe; a run step's partial line waits for its end."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._lock = threading.Lock()
        self._partial: dict[StepPath, bytes] = {}
        self._names: dict[StepPath, str] = {}
        self._began: dict[StepPath, float] = {}

    def step_started(self, path: StepPath, step: StepSpec) -> None:
        """Its output follows."""
        with self._lock:
            self._names[path], self._began[path] = step.name, time.monotonic()
            if not step.kind.is_group:
                self._partial[path] = b""
                self._screen.now(self._running())

    def output(self, path: StepPath, data: bytes) -> None:
        """Whole lines are shown at once."""
        with self._lock:
            lines = (self._partial.get(path, b"") + data).split(b"\n")
            for line in lines[:-1]:
                self._line(path, line)
            if len(lines[-1]) > MOST_LINE_BYTES:
                self._line(path, lines.pop())
                lines.append(b"")
            self._partial[path] = lines[-1]

    def step_finished(self, path: StepPath, step: StepSpec, result: StepResult) -> None:
        """The rest of its output, and how it ended."""
        with self._lock:
            if rest := self._partial.pop(path, b""):
                self._line(path, rest)
            self._screen.line(step.name or "?", self._verdict(path, result), _STYLES.get(result.outcome, "red"))
            self._screen.now(self._running())

    def say(self, text: str, style: str = "") -> None:
        """A line of ours."""
        with self._lock:
            self._screen.line("", text, style)

    def close(self) -> None:
        """Give the terminal back."""
        with self._lock:
            self._screen.close()

    def _running(self) -> list[str]:
        return [self._names[path] for path in self._partial]

    def _line(self, path: StepPath, line: bytes) -> None:
        # A progress bar writes its line again and again: the last state is the line.
        text = line.rstrip(b"\r").rsplit(b"\r", 1)[-1].decode(errors="replace")
        self._screen.line(self._names.get(path, "?"), text)

    def _verdict(self, path: StepPath, result: StepResult) -> str:
        reason = result.reason or (f"exit code {result.exit_code}" if result.exit_code is not None else "")
        if result.outcome is Outcome.PASSED:
            reason = f"{time.monotonic() - self._began.get(path, time.monotonic()):.1f} s"
        mark = _MARKS.get(result.outcome, f"{result.outcome.value} ✗")
        return f"{mark} ({reason})" if reason else mark


def make_printer() -> Printer:
    """With colours and a line that moves where a person looks on, plain where a file does."""
    if sys.stdout.isatty():
        # Only here: it takes longer to load than all the rest.
        return Printer(import_module("ciservice.cli.local.rich_screen").RichScreen())
    return Printer(Plain(sys.stdout))

"""Waiting for somebody else's machine: asked soon at first, then seldom, and never for longer than was said."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from runners.targets.contract import TargetError, Tell
from runners.targets.durations import seconds

FIRST_SECONDS = 0.2
MOST_SECONDS = 10.0
TELL_SECONDS = 60.0

T = TypeVar("T")


class PassingError(TargetError):
    """It may be gone the next time: too many questions, an outage of theirs, a connection that broke."""


class Patience:
    """How long a thing may still take. Now and then it tells that it waits: a step that is silent for long is stopped."""

    def __init__(self, within: str, tell: Tell) -> None:
        self._within = within
        self._tell = tell
        self._told = time.monotonic()
        self._end = time.monotonic() + seconds(within)
        self._pause = FIRST_SECONDS

    @property
    def left(self) -> float:
        """Seconds, 0 where it is over."""
        return max(self._end - time.monotonic(), 0.0)

    def afresh(self) -> None:
        """Something new is waited for, within the same limit: asked soon again."""
        self._pause = FIRST_SECONDS

    def wait(self, what: str) -> None:
        """Pause a while. TargetError where the time is over: "`what` within 30m"."""
        if not self.left:
            raise TargetError(f"{what} within {self._within}. `within` gives it longer.")
        if time.monotonic() - self._told > TELL_SECONDS:
            self._told = time.monotonic()
            self._tell(f"still waiting, for {self.left / 60:.0f} minutes at most")
        time.sleep(min(self._pause, self.left))
        self._pause = min(self._pause * 1.5, MOST_SECONDS)

    def ask(self, question: Callable[[], T], what: str) -> T:
        """The answer, after as many tries as there is time for; the last PassingError where there is none."""
        while True:
            try:
                return question()
            except PassingError:
                if not self.left:
                    raise
                self.wait(what)

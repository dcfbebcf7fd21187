"""When lines were printed: marks of (line, unix ms), at most ten a second; a line has the time of the mark before it."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Sequence

STEP_MS = 100
MARKS_MOST = 20_000

Mark = tuple[int, int]
"""(line, 0-based; unix ms)."""


class Times:
    """Marks of a running step, from the writing thread to the others; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._marks: list[Mark] = []

    def note(self, line: int, ms: int) -> None:
        """Lines from `line` on are printed now."""
        if self._marks and (ms - self._marks[-1][1] < STEP_MS or self._marks[-1][0] >= line):
            return
        with self._lock:
            self._marks.append((line, ms))
            if len(self._marks) > MARKS_MOST:
                del self._marks[: MARKS_MOST // 2]

    def between(self, first: int, last: int) -> list[Mark]:
        """The marks for the lines `first` to `last`; the first stands at `first` where its time is known."""
        with self._lock:
            return cut(self._marks, first, last)

    def at(self, line: int) -> int | None:
        """When `line` was printed; None where nobody knows."""
        with self._lock:
            return at(self._marks, line)

    def forget_before(self, line: int) -> None:
        """Drop what only earlier lines need."""
        with self._lock:
            del self._marks[: max(bisect.bisect_right(self._marks, line, key=lambda mark: mark[0]) - 1, 0)]


def cut(marks: Sequence[Mark], first: int, last: int) -> list[Mark]:
    """The part of `marks` for the lines `first` to `last`."""
    start = bisect.bisect_right(marks, first, key=lambda mark: mark[0])
    end = bisect.bisect_right(marks, last, key=lambda mark: mark[0])
    before = [(first, marks[start - 1][1])] if start else []
    return before + list(marks[start:end])


def at(marks: Sequence[Mark], line: int) -> int | None:
    """When `line` was printed, in unix ms; None where nobody knows."""
    found = bisect.bisect_right(marks, line, key=lambda mark: mark[0])
    return marks[found - 1][1] if found else None

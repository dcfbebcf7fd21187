"""What was done and what was seen, by all threads: counted, kept as lines of JSON, and asked by the judge."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Window:
    """A misfortune from `begin` to `end` (seconds since 1970)."""

    what: str
    begin: float
    end: float


class Diary:
    """Thread-safe. `counts` by kind, `broken` sentences, `windows` of misfortune."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()
        self.began = time.time()
        self.done: Counter[str] = Counter()
        self.fallen: Counter[str] = Counter()
        self.checks: Counter[str] = Counter()
        self.broken: list[str] = []
        self.windows: list[Window] = []

    def note(self, what: str, **details: object) -> None:
        """A line of its own."""
        with self._lock:
            self._file.write(json.dumps({"at": round(time.time() - self.began, 2), "what": what, **details}) + "\n")

    def count(self, what: str) -> None:
        """Something that people do."""
        with self._lock:
            self.done[what] += 1

    def did(self, what: str, **details: object) -> None:
        """Something that people do, counted and noted."""
        self.count(what)
        self.note(what, **details)

    def held(self, what: str) -> None:
        """A check that was made once more and found nothing."""
        with self._lock:
            self.checks[what] += 1

    def broke(self, sentence: str) -> None:
        """A check that found something; the same sentence counts once."""
        with self._lock:
            if sentence in self.broken:
                return
            self.broken.append(sentence)
        self.note("broken", sentence=sentence)

    def fell(self, what: str, begin: float, **details: object) -> None:
        """A misfortune that is over."""
        with self._lock:
            self.fallen[what] += 1
            self.windows.append(Window(what, begin, time.time()))
        self.note(what, **details)

    def excuses(self, words: tuple[str, ...], begin: float, end: float, *, after: float) -> bool:
        """Whether a misfortune that names one of `words` touched this time, or ended less than `after` seconds before."""
        with self._lock:
            return any(
                window.begin <= end and begin <= window.end + after and any(word in window.what for word in words)
                for window in self.windows
            )

    def close(self) -> None:
        """Nothing more is noted."""
        self._file.close()

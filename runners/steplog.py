"""The way of a step's output to the observer: masked, in order, with the preparation's output in front."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from runners.contract import Output
from runners.masking import Masker

logger = logging.getLogger(__name__)


class Preparation:
    """What was said before any step ran: kept, bounded, until the first step's log takes it."""

    MOST_BYTES = 256 * 1024

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = bytearray()
        self._left_out = 0

    def write(self, data: bytes) -> None:
        """Keep it, the newest of it where there is too much."""
        with self._lock:
            self._kept += data
            if (over := len(self._kept) - self.MOST_BYTES) > 0:
                del self._kept[:over]
                self._left_out += over

    def take(self) -> bytes:
        """All of it, once."""
        with self._lock:
            note = f"[{self._left_out} bytes left out]\n".encode() if self._left_out else b""
            text = note + bytes(self._kept)
            self._kept.clear()
            self._left_out = 0
        return text + b"\n" if text and not text.endswith(b"\n") else text


class StepLog:
    """One step's log. `write` may be called from any thread; after `close` nothing passes any more."""

    def __init__(self, masker: Masker, deliver: Output, on_broken: Callable[[], object]) -> None:
        self._lock = threading.Lock()
        self._masker, self._deliver, self._on_broken = masker, deliver, on_broken
        self._closed = False
        self._ends_line = True
        self.is_broken = False

    def write(self, data: bytes) -> None:
        """Mask and pass on."""
        with self._lock:
            if not self._closed:
                self._pass_on(self._masker.feed(data))

    def close(self, last_words: str = "") -> None:
        """Let go of what the mask held back, and add a last line in words."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._pass_on(self._masker.flush())
            if last_words:
                self._pass_on(f"{'' if self._ends_line else chr(10)}{last_words}\n".encode(errors="replace"))

    def _pass_on(self, data: bytes) -> None:
        if not data or self.is_broken:
            return
        self._ends_line = data.endswith(b"\n")
        try:
            self._deliver(data)
        except Exception:  # the edge to whoever keeps the log: the executor's reader must go on reading
            logger.exception("the log could not be passed on")
            self.is_broken = True
            self._on_broken()

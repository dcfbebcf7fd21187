"""Remembers which image came of which files, so that a build of the same ones need not even send them to the engine."""

from __future__ import annotations

import threading
from collections import OrderedDict

MOST = 1000


class Remembered:
    """The newest MOST builds of this process. Thread-safe."""

    def __init__(self) -> None:
        self._images: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> str:
        """The id of the image that came of it; "" where nobody remembers."""
        with self._lock:
            if key in self._images:
                self._images.move_to_end(key)
            return self._images.get(key, "")

    def put(self, key: str, image: str) -> None:
        """Remember it, instead of the oldest where there are too many."""
        with self._lock:
            self._images[key] = image
            self._images.move_to_end(key)
            while len(self._images) > MOST:
                self._images.popitem(last=False)

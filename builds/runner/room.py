"""Whether this machine has room for another job: below the floor nothing is claimed, and what can go is removed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from runners.disk import drop_mirrors, tightest

log = logging.getLogger(__name__)

_SWEEP_PAUSE_SECONDS = 60.0


class Room:
    """Call it before a claim: "" where there is room, else the sentence that says where it lacks.

    `sweep` removes what dead attempts left. Nothing is thrown away but that and caches.
    """

    def __init__(self, sweep: Callable[[], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._sweep = sweep
        self._clock = clock
        self._swept_at: float | None = None

    def __call__(self) -> str:
        """Look, and make room where there is too little."""
        if not settings.MIN_FREE_DISK_MB or self._is_enough():
            return ""
        if self._swept_at is None or self._clock() - self._swept_at > _SWEEP_PAUSE_SECONDS:
            self._swept_at = self._clock()
            self._sweep()
            drop_mirrors(settings.DATA_DIR / "mirrors", self._is_enough)
        if self._is_enough():
            return ""
        folder, free = tightest(_folders())
        return (
            f"The disk is nearly full: {free} MB are left in {folder}, and below {settings.MIN_FREE_DISK_MB} MB "
            "(MIN_FREE_DISK_MB) no job begins. Make room; it goes on by itself."
        )

    def _is_enough(self) -> bool:
        return tightest(_folders())[1] >= settings.MIN_FREE_DISK_MB


def _folders() -> list[Path]:
    """Those that jobs fill: ours, and the engine's where it is on this machine."""
    root = Path(settings.DOCKER_ROOT)
    is_here = settings.EXECUTOR == "docker" and settings.DOCKER_URL.startswith("unix:") and root.is_dir()
    return [settings.DATA_DIR, *([root] if is_here else [])]

"""Locks on a mirror that hold between threads and processes, and are gone with their holder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from runners.checkout.command import Bounds

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.005, 0.25


@contextlib.contextmanager
def locked(path: Path, bounds: Bounds, *, shared: bool = False) -> Iterator[bool]:
    """Hold the lock, waiting for it inside the bounds (GitTimedOut, GitStopped); whether somebody had it before."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        pause, waited = _FIRST_PAUSE_SECONDS, False
        while not _try(handle, kind):
            waited = True
            bounds.pause(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        yield waited
    finally:
        os.close(handle)


def _try(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

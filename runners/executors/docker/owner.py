"""Says which process keeps objects ready, and whether it still lives: a lock on a file, which the kernel drops with it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
from pathlib import Path


class Owner:
    """This process, as far as others are concerned: they cannot lock its file while it lives."""

    def __init__(self, folder: Path) -> None:
        self.name = f"{_mark(folder)}{secrets.token_hex(8)}"
        self._path = folder / f"{self.name}.lock"
        folder.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def close(self) -> None:
        """From now on others may remove what it kept."""
        self._path.unlink(missing_ok=True)
        os.close(self._handle)


def lives(folder: Path, name: str) -> bool:
    """Whether the process that took this name still runs. Of one that keeps its file elsewhere nobody can tell: yes."""
    if not name.isalnum() or not name.startswith(_mark(folder)):
        return True
    return is_held(folder / f"{name}.lock")


def is_held(lock: Path) -> bool:
    """Whether a process that lives holds the lock of this file."""
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _mark(folder: Path) -> str:
    return hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:8]


def forget_dead(folder: Path) -> None:
    """Remove the files of processes that died without doing so."""
    for path in folder.glob("*.lock"):
        if not lives(folder, path.stem):
            with contextlib.suppress(OSError):
                path.unlink()

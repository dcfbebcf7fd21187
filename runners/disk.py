"""Room on this machine's disks: how much is left, and which caches may go when it gets tight."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from runners.checkout.command import Bounds, GitTimedOut
from runners.checkout.locks import locked
from runners.checkout.mirror import packs_lock

logger = logging.getLogger(__name__)

LOCK_SECONDS = 0.2


def free_mb(folder: Path) -> int:
    """MiB that are left where `folder` is, or will be, for who is not root."""
    while not folder.exists():
        folder = folder.parent
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize // (1024 * 1024)


def tightest(folders: Iterable[Path]) -> tuple[Path, int]:
    """The folder with the least room, and its MiB."""
    return min(((folder, free_mb(folder)) for folder in folders), key=lambda pair: pair[1])


def drop_mirrors(mirrors: Path, is_enough: Callable[[], bool]) -> int:
    """Remove mirrors that nobody uses now, the longest unused first, until it is enough; how many went.

    A mirror is a cache: who needs it fetches it again.
    """
    gone = 0
    for mirror in sorted(mirrors.glob("*.git"), key=_last_fetch):
        if is_enough():
            break
        gone += _drop(mirror)
    if gone:
        logger.warning("the disk is nearly full: %s mirrors were removed from %s", gone, mirrors)
    return gone


def _last_fetch(mirror: Path) -> float:
    try:
        return (mirror / "objects" / "pack").stat().st_mtime
    except OSError:
        return 0.0


def _drop(mirror: Path) -> bool:
    bounds = Bounds.of(LOCK_SECONDS)
    try:
        with locked(mirror.with_suffix(".lock"), bounds), locked(packs_lock(mirror), bounds):
            shutil.rmtree(mirror, ignore_errors=True)
    except (GitTimedOut, OSError):  # in use; or a disk so full that not even a lock's file can be made
        return False
    return not mirror.exists()

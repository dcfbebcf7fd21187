"""Lets images that run as a user of their own write to the checkout, which belongs to the runner's user."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

_ROOT = frozenset({"", "0", "root"})


class Admission:
    """Opens one checkout when the first image needs it. A folder that is not ours stays as it is."""

    def __init__(self, checkout: Path, *, is_ours: bool) -> None:
        self._checkout = checkout
        self._is_needed = is_ours
        self._lock = threading.Lock()

    def of(self, user: str) -> None:
        """Admit an image's user ("" = root), once the checkout is there."""
        if user.partition(":")[0] in _ROOT:
            return
        with self._lock:
            if self._is_needed:
                self._is_needed = False
                _open_to_everyone(self._checkout)


def _open_to_everyone(folder: Path) -> None:
    # Nobody else reaches it: the folder around it is the runner's own. Links are not followed.
    for _, folders, files, handle in os.fwalk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):
                mode = os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode
                if not stat.S_ISLNK(mode):
                    wanted = stat.S_IMODE(mode) | (0o777 if stat.S_ISDIR(mode) else 0o666)
                    os.chmod(name, wanted, dir_fd=handle)
    folder.chmod(0o777)

"""A small disk of its own for the data folder, which a balloon fills to the brim."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

MEBIBYTES = 600
_CHUNK = bytes(1 << 20)


class Disk:
    """A tmpfs at `folder`; only root can make one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._balloon = folder / "balloon"
        folder.mkdir()
        options = f"size={MEBIBYTES}m,mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "ciservice-soak", str(folder)], check=True, timeout=30)

    @staticmethod
    def is_possible() -> bool:
        """Whether we may mount."""
        return os.geteuid() == 0

    def fill(self) -> int:
        """Until not one byte more is taken; returns how many were."""
        with self._balloon.open("ab", buffering=0) as balloon:
            for size in (len(_CHUNK), 4096, 1):
                try:
                    while balloon.write(_CHUNK[:size]):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
            return balloon.tell()

    def free(self) -> None:
        """Let the air out."""
        self._balloon.unlink(missing_ok=True)

    def keep(self, target: Path) -> None:
        """Copy everything out of it, for whoever looks for the cause."""
        self.free()
        subprocess.run(["cp", "-a", str(self.folder), str(target)], check=False, timeout=120)

    def remove(self) -> None:
        """Unmount it; what still holds it does not matter."""
        subprocess.run(["umount", "-l", str(self.folder)], check=False, timeout=30)

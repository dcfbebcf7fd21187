"""Folders that steps write to: reached without following their links, and removed whatever they did to permissions."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def opened_beneath(root: int, parts: Iterable[str]) -> Iterator[int]:
    """The handle of a folder beneath that of `root`, which is closed on the way: no part of it may be a link."""
    handle = root
    try:
        for part in parts:
            inner = os.open(part, FOLDER, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


def remove_tree(folder: Path) -> bool:
    """Remove it with everything inside that is ours; links are removed, never followed. Whether it is gone."""
    if folder.exists():
        root = str(folder)
        shutil.rmtree(root, onerror=functools.partial(_make_writable, root))
    return not folder.exists()


def _make_writable(root: str, function: Callable[[str], object], path: str, _error: object) -> None:
    """A folder of ours that nobody may write to keeps its files until it may be written to."""
    with contextlib.suppress(OSError):
        # What holds the root is not of the tree: others go through it.
        for one in (path,) if path == root else (os.path.dirname(path), path):
            if stat.S_ISDIR(os.lstat(one).st_mode):
                os.chmod(one, 0o700)
        if function in (os.rmdir, os.unlink):
            function(path)
        else:
            shutil.rmtree(path, ignore_errors=True)

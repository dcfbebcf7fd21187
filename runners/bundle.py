"""Many files as one: a zstd-compressed tar of what a cache keeps. Reading one is safe whoever wrote it."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import zstandard

from runners.errors import RunnerError
from runners.gathering import Found, open_beneath

_LEVEL = 3
_WINDOW = 1 << 27  # bytes; a bundle that asks for more is not ours


class BrokenBundleError(RunnerError):
    """What was read is no bundle, or larger than may be."""


def pack(root: Path, found: Iterable[Found], target: BinaryIO) -> int:
    """Write these files and links of `root`; what went away meanwhile, and links that lead out, are left out. How many are in it."""
    count = 0
    with (
        zstandard.ZstdCompressor(level=_LEVEL).stream_writer(target, closefd=False) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for one in found:
            count += _add(archive, root, one)
    return count


def _add(archive: tarfile.TarFile, root: Path, one: Found) -> bool:
    entry = tarfile.TarInfo(one.path)
    try:
        if one.is_link:
            entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(root / one.path)
            if _leads_out(one.path, entry.linkname):
                return False
            archive.addfile(entry)
            return True
        with open_beneath(root, one.path) as source:
            facts = os.fstat(source.fileno())
            entry.size, entry.mode, entry.mtime = facts.st_size, facts.st_mode & 0o755, int(facts.st_mtime)
            archive.addfile(entry, source)
    except FileNotFoundError:
        return False
    return True


def _leads_out(path: str, target: str) -> bool:
    """Such a link would be refused when the bundle is read."""
    return target.startswith("/") or os.path.normpath(os.path.join(os.path.dirname(path), target)).startswith("..")


def unpack(root: Path, source: BinaryIO, *, most_bytes: int) -> int:
    """Lay a bundle's files out beneath `root`, over what is there. How many there were; BrokenBundleError.

    Nothing is written outside of `root`, also not through a link that is there already or came with the bundle.
    """
    count = size = 0
    try:
        with (
            zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(source, closefd=False) as plain,
            tarfile.open(fileobj=plain, mode="r|") as archive,
        ):
            for entry in archive:
                size += max(entry.size, 0)
                if size > most_bytes:
                    raise BrokenBundleError(f"The bundle holds more than {most_bytes >> 20} MiB.")
                archive.extract(entry, root, filter="data")
                count += 1
    except (tarfile.TarError, zstandard.ZstdError, OSError, EOFError, ValueError) as error:
        raise BrokenBundleError(f"The bundle cannot be read: {str(error)[:200]}") from error
    return count

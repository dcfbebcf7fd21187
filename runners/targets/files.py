"""The files that a target sends: found in a stranger's checkout, read without following a link, packed."""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from runners.errors import SpecError
from runners.gathering import Most, find, matcher, open_beneath
from runners.targets.contract import TargetError

MOST = Most(files=200_000, bytes=16 << 30)
_LEVEL = 3  # half the work of 6, and less than a tenth more to send
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # what a zip can tell


@dataclass(frozen=True, kw_only=True)
class File:
    """A regular file to send, or a symbolic link to another: its path below the folder that is sent, with `/`."""

    path: str
    source: str  # the same from the checkout
    size: int  # bytes
    link: str = ""  # where it leads, relative; "" = it is a file


@dataclass(frozen=True)
class Files:
    """What is sent, in the order of its paths, and what is not."""

    root: Path  # the checkout
    files: tuple[File, ...]
    left_out: tuple[str, ...] = ()  # links that lead out of the folder

    @property
    def size(self) -> int:
        """Of all, in bytes."""
        return sum(file.size for file in self.files)


def gather(root: Path, folder: str = ".", exclude: Sequence[str] = ()) -> Files:
    """The files below a folder of the checkout but for what the patterns fit, and never `.git`.

    TargetError where the folder is no folder of the checkout, has no files, or holds too much.
    """
    inner = _inner(folder)
    try:
        excluded = matcher(exclude)
        found = find(root, [inner or "**"], MOST, links=True)
    except SpecError as error:
        raise TargetError(str(error)) from None
    files, left_out = [], []
    for one in found:
        path = one.path.removeprefix(f"{inner}/") if inner else one.path
        if path == inner or path.split("/")[0] == ".git" or excluded(path):
            continue  # `path == inner`: the folder itself is a file, or a link
        link = _link(root, one.path) if one.is_link else ""
        if one.is_link and (not link or _leads_out(path, link)):
            left_out.append(path)
        else:
            files.append(File(path=path, source=one.path, size=one.size, link=link))
    if not files:
        raise TargetError(f"There are no files in “{folder}” to deploy: is it built, and in the right place?")
    return Files(root, tuple(files), tuple(left_out))


@contextmanager
def opened(files: Files, file: File) -> Iterator[tuple[BinaryIO, int]]:
    """A file's bytes, and its permissions (0o644 or 0o755). TargetError where it went away or is a link by now."""
    try:
        source = open_beneath(files.root, file.source)
    except OSError as error:
        raise TargetError(f"{file.path} cannot be read: {error.strerror or error}.") from None
    with source:
        yield source, _mode(source)


def write_tar(files: Files, target: IO[bytes], *, prefix: str = "") -> None:
    """A gzip-compressed tar. Nothing of this machine is told in it: no owners, the times as the files have them."""
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=target, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for file in files.files:
            entry = tarfile.TarInfo(prefix + file.path)
            if file.link:
                entry.type, entry.linkname = tarfile.SYMTYPE, file.link
                archive.addfile(entry)
                continue
            with opened(files, file) as (source, mode):
                facts = os.fstat(source.fileno())
                entry.size, entry.mode, entry.mtime = facts.st_size, mode, int(facts.st_mtime)
                archive.addfile(entry, source)


def write_zip(files: Files, target: IO[bytes], *, prefix: str = "") -> None:
    """A zip with the permissions of Unix in it, and the same bytes for the same files."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files.files:
            entry = zipfile.ZipInfo(prefix + file.path, date_time=_EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if file.link:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(entry, file.link)
                continue
            with opened(files, file) as (source, mode):
                entry.external_attr, entry.file_size = (stat.S_IFREG | mode) << 16, file.size
                with archive.open(entry, "w") as into:
                    while chunk := source.read(1 << 20):
                        into.write(chunk)


def _inner(folder: str) -> str:
    parts = PurePosixPath(folder).parts
    if folder.startswith("/") or ".." in parts or any(letter in folder for letter in "*?\0"):
        raise TargetError(f"“{folder[:200]}” is no folder of the checkout: give a path inside it.")
    return "/".join(parts)


def _link(root: Path, path: str) -> str:
    try:
        return os.readlink(root / path)
    except OSError:
        return ""


def _leads_out(path: str, link: str) -> bool:
    """Whether it may: `..` is only believed in front, since what stands before another one may be a link itself."""
    parts = PurePosixPath(link).parts
    ups = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    return link.startswith("/") or ".." in parts[ups:] or ups > path.count("/")


def _mode(source: BinaryIO) -> int:
    return 0o755 if os.fstat(source.fileno()).st_mode & 0o111 else 0o644

"""The files that a Dockerfile may use: a tar of a folder of the checkout, read without following any symbolic link.

Steps of the same job may change the folder meanwhile, and the runner may be root: every file is opened beneath its
folder's handle and looked at again after opening.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

from docker.utils.build import PatternMatcher

from runners.environment import read_checkout_file
from runners.errors import SpecError
from runners.executors.docker.mounts import inside
from runners.trees import FOLDER, opened_beneath

MOST_BYTES = 4 * 1024**3
MOST_FILES = 500_000
_PIECE_BYTES = 1024 * 1024

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_text(checkout: Path, relative: str) -> str:
    """A small file of the checkout, reached by links inside it or none; SpecError where it cannot be read."""
    real = inside(checkout, relative)
    return read_checkout_file(checkout, str(real.relative_to(os.path.realpath(checkout))))


def write_context(checkout: Path, folder: str, into: BinaryIO, replaced: dict[str, bytes], dockerfile: str) -> None:
    """Write the folder as a tar, without what its .dockerignore leaves out; `replaced` files (path: content) instead.

    The `dockerfile` (relative to the folder) is sent all the same: the engine hides it from the build again.
    """
    with tarfile.open(fileobj=into, mode="w") as tar:
        _walk(checkout, folder, tar, replaced, dockerfile)


def _walk(checkout: Path, folder: str, into: _Sink, replaced: dict[str, bytes], dockerfile: str) -> None:
    ignored = _ignored(checkout, folder)
    try:
        with _opened(checkout, folder) as root:
            writer = _Writer(
                into, PatternMatcher([*ignored, *(f"!{path}" for path in (dockerfile, *replaced))]), replaced
            )
            writer.add_folder(root, "")
            for path, content in replaced.items():
                writer.add_bytes(path, content)
    except OSError as error:
        raise SpecError(f"{folder}: the build's files cannot be read ({error.strerror or error})") from None


def context_digest(checkout: Path, folder: str, replaced: dict[str, bytes], dockerfile: str) -> str:
    """The same for two folders that give the same image: the times of their files do not count."""
    digest = _Digest()
    _walk(checkout, folder, digest, replaced, dockerfile)
    return digest.text()


def _ignored(checkout: Path, folder: str) -> list[str]:
    real = inside(checkout, os.path.join(folder, ".dockerignore"))
    if not real.is_file():
        return []
    lines = (line.strip() for line in read_text(checkout, os.path.join(folder, ".dockerignore")).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _opened(checkout: Path, folder: str) -> AbstractContextManager[int]:
    """The folder's handle, reached from the checkout's without a link."""
    root = os.path.realpath(checkout)
    parts = inside(checkout, folder).relative_to(root).parts
    return opened_beneath(os.open(root, FOLDER), parts)


class _Sink(Protocol):
    """Takes one file after another: a tar does."""

    def addfile(self, tarinfo: tarfile.TarInfo, fileobj: IO[bytes] | None = None) -> None:
        """One file with its content."""


class _Digest:
    """Takes files as a tar does, and keeps nothing of them but a digest."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def addfile(self, tarinfo: tarfile.TarInfo, fileobj: IO[bytes] | None = None) -> None:
        """Everything of it but its times."""
        facts = (tarinfo.name, tarinfo.type.decode(), tarinfo.mode, tarinfo.size, tarinfo.linkname)
        self._hash.update(repr(facts).encode(errors="surrogateescape"))
        left = tarinfo.size
        while fileobj is not None and left > 0 and (piece := fileobj.read(min(left, _PIECE_BYTES))):
            self._hash.update(piece)
            left -= len(piece)

    def text(self) -> str:
        """In hexadecimal."""
        return self._hash.hexdigest()


class _Writer:
    def __init__(self, tar: _Sink, matcher: Any, skipped: dict[str, bytes]) -> None:
        self._tar, self._matcher, self._skipped = tar, matcher, skipped
        self._files = self._bytes = 0

    def add_folder(self, handle: int, prefix: str) -> None:
        for name in sorted(os.listdir(handle)):
            path = f"{prefix}{name}"
            facts = os.stat(name, dir_fd=handle, follow_symlinks=False)
            is_out = path in self._skipped or self._matcher.matches(path)
            if stat.S_ISDIR(facts.st_mode):
                if not is_out:
                    self._add(path, facts, tarfile.DIRTYPE)
                if not is_out or self._is_wanted_beneath(path):
                    self._descend(handle, name, path)
            elif is_out:
                continue
            elif stat.S_ISLNK(facts.st_mode):
                self._add(path, facts, tarfile.SYMTYPE, link=os.readlink(name, dir_fd=handle))
            elif stat.S_ISREG(facts.st_mode):
                self._add_file(handle, name, path)

    def add_bytes(self, path: str, content: bytes) -> None:
        entry = tarfile.TarInfo(path)
        entry.size, entry.mode = len(content), 0o644
        self._tar.addfile(entry, io.BytesIO(content))

    def _descend(self, handle: int, name: str, path: str) -> None:
        inner = os.open(name, FOLDER, dir_fd=handle)
        try:
            self.add_folder(inner, f"{path}/")
        finally:
            os.close(inner)

    def _add_file(self, handle: int, name: str, path: str) -> None:
        with os.fdopen(os.open(name, _FILE, dir_fd=handle), "rb") as file:
            facts = os.fstat(file.fileno())
            if stat.S_ISREG(facts.st_mode):
                self._add(path, facts, tarfile.REGTYPE, content=file)

    def _add(
        self, path: str, facts: os.stat_result, kind: bytes, *, link: str = "", content: BinaryIO | None = None
    ) -> None:
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode, entry.mtime = kind, stat.S_IMODE(facts.st_mode), max(int(facts.st_mtime), 0)
        entry.linkname = link
        entry.size = facts.st_size if content else 0
        self._files += 1
        self._bytes += entry.size
        if self._files > MOST_FILES or self._bytes > MOST_BYTES:
            raise SpecError(
                f"The build's folder has more than {MOST_FILES} files or {MOST_BYTES // 1024**3} GiB:"
                " name what the image does not need in .dockerignore"
            )
        self._tar.addfile(entry, content)

    def _is_wanted_beneath(self, path: str) -> bool:
        return any(pattern.exclusion and pattern.cleaned_pattern.startswith(path) for pattern in self._matcher.patterns)

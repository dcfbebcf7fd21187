"""The archive of a backup: a tar with the database, the files of storage, and at its end a manifest that vouches for both."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

MANIFEST = "manifest.json"
STORAGE = "storage/"
FORMAT = 1
_CHUNK = 1024 * 1024


class BackupError(Exception):
    """The backup cannot be made, read or restored; the text says why, and what to do."""


@dataclass(frozen=True)
class Member:
    """A file of the archive, as it was written."""

    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a whole archive holds. `tables` counts rows, by table; `seal` is a word sealed with the key of the moment."""

    version: str
    made_at: str
    database: str  # sqlite or postgresql: the one kind is not restored into the other
    tables: dict[str, int]
    seal: str
    files: dict[str, Member] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> bytes:
        """As it is written."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        """As it was written; BackupError where that was not by us, or by a newer release."""
        try:
            told: dict[str, Any] = json.loads(text)
            if told["format"] != FORMAT:
                raise BackupError(f"This backup has format {told['format']}; this release reads format {FORMAT}.")
            files = {name: Member(**member) for name, member in told.pop("files").items()}
            return cls(**told, files=files)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupError(f"{MANIFEST} cannot be read: {error}") from None


class Writer:
    """Writes an archive beside its place; only a whole one takes the place. A context manager."""

    def __init__(self, path: Path) -> None:
        self.files: dict[str, Member] = {}
        self._path = path
        self._part = path.with_name(f".{path.name}.part")

    def __enter__(self) -> Writer:
        if self._path.exists():
            raise BackupError(f"{self._path} is there already: choose another name.")
        try:
            self._file = self._part.open("wb")
        except OSError as error:
            raise BackupError(f"{self._path} cannot be written: {error.strerror}.") from None
        self._part.chmod(0o600)
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        whole = kind is None
        try:
            self._tar.close()
            self._file.close()
            if whole:
                self._part.rename(self._path)
        finally:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def add(self, name: str, content: IO[bytes], size: int) -> None:
        """One file of exactly `size` bytes."""
        counting = _Counting(content)
        self._tar.addfile(_entry(name, size), counting)
        self.files[name] = Member(size, counting.digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Vouch for all of it; nothing may follow."""
        text = manifest.to_json()
        self._tar.addfile(_entry(MANIFEST, len(text)), io.BytesIO(text))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
    return entry


class _Counting:
    """Digests what is read through it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data


@contextmanager
def opened(path: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """Every file of the archive with its content, in order, each to be read before the next; BackupError where it is cut."""
    try:
        with tarfile.open(path, mode="r|") as tar:
            yield _members(path, tar)
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or error}") from None
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{path} cannot be read to its end: {error}") from None


def _members(path: Path, tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for entry in tar:
        content = tar.extractfile(entry)
        if content is None:
            raise BackupError(f"{path} holds {entry.name[:100]!r}, which is no file: it is not ours.")
        yield entry.name, content


def copied(content: IO[bytes], target: IO[bytes] | None = None) -> Member:
    """Read it to its end, into `target` where there is one, and say what it was."""
    digest, size = hashlib.sha256(), 0
    while data := content.read(_CHUNK):
        digest.update(data)
        size += len(data)
        if target is not None:
            target.write(data)
    return Member(size, digest.hexdigest())

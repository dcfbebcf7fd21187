"""Make a backup while the service goes on: storage, then the database at one moment, then what came into storage meanwhile."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.files.storage import Storage, default_storage

from accounts.sealing import seal
from ciservice.keeping.archive import STORAGE, Manifest, Writer
from ciservice.keeping.database import the_database

SEALED_WORD = "ciservice backup"


def backup(path: Path, say: Callable[[str], None]) -> Manifest:
    """Write the archive `path`; BackupError where it cannot be made whole.

    Files in storage never change, and what is removed from it is old: so what the database names at its moment was
    there at the first look or came after it, and is in the archive.
    """
    database = the_database()
    with Writer(path) as archive, tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as folder:
        _keep_files(archive)
        say(f"{len(archive.files)} files of storage")
        copied = Path(folder) / database.file
        tables = database.copy(copied)
        with copied.open("rb") as content:
            archive.add(database.file, content, copied.stat().st_size)
        say(f"the database: {sum(tables.values())} rows in {len(tables)} tables")
        _keep_files(archive)
        manifest = Manifest(
            version=settings.VERSION,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            database=database.kind,
            tables=tables,
            seal=seal(SEALED_WORD),
            files=dict(archive.files),
        )
        archive.finish(manifest)
    return manifest


def _keep_files(archive: Writer) -> None:
    """Those that are not in it yet; one that goes away while it is looked for is one that was pruned."""
    for name in _names(default_storage, ""):
        if STORAGE + name in archive.files:
            continue
        try:
            size = default_storage.size(name)
            content = default_storage.open(name, "rb")
        except FileNotFoundError:
            continue
        with content:
            archive.add(STORAGE + name, content, size)


def _names(storage: Storage, folder: str) -> Iterator[str]:
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}{name}" for name in sorted(files))
    for inner in sorted(folders):
        yield from _names(storage, f"{folder}{inner}/")

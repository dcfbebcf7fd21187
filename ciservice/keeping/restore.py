"""Restore a backup, or only prove that it could be: every byte, every row, every file that a row names, every sealed value."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from django.apps import apps
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connections
from django.db.models import QuerySet

from accounts.sealing import DoesNotOpen, SealedField, as_it_stands, unseal
from ciservice.keeping.archive import MANIFEST, STORAGE, BackupError, Manifest, Member, copied, opened
from ciservice.keeping.backup import SEALED_WORD
from ciservice.keeping.database import Database, counts, the_database

Say = Callable[[str], None]
_MOST_NAMED = 5


@dataclass(frozen=True)
class Checked:
    """What a backup was found to hold."""

    manifest: Manifest
    rows: int
    files: int
    sealed: int


def verify(path: Path, say: Say) -> Checked:
    """Read all of it and open its database beside the service's own; BackupError at the first fault. Changes nothing."""
    database = the_database()
    with tempfile.TemporaryDirectory(prefix="ciservice-verify-") as folder:
        source = Path(folder) / database.file
        manifest = _read(path, source, lambda name, content: copied(content))
        say(f"{len(manifest.files)} files are as they were written on {manifest.made_at} by {manifest.version}")
        _check_kind(manifest, database)
        with database.beside(source) as beside, _connected(beside) as alias:
            return _check(manifest, alias, say)


def restore(path: Path, say: Say, *, replace: bool) -> Checked:
    """Make this instance what the backup says, then verify it here; BackupError where there is an instance already.

    The service has to be stopped. What ran at the time of the backup is lost as if its runner had died.
    """
    database = the_database()
    verify(path, say)
    with tempfile.TemporaryDirectory(prefix="ciservice-restore-") as folder:
        source = Path(folder) / database.file
        manifest = _read(path, source, _store)
        database.load(source, replace=replace)
    say("the database and the files are back")
    return _check(manifest, "default", say)


def _read(path: Path, database: Path, keep: Callable[[str, IO[bytes]], Member]) -> Manifest:
    """Go through the archive once: the database into its file, files of storage to `keep`; all as the manifest has it."""
    found: dict[str, Member] = {}
    manifest: Manifest | None = None
    with opened(path) as members:
        for name, content in members:
            if manifest is not None:
                raise BackupError(f"{path} goes on after its {MANIFEST}: it was changed.")
            if name == MANIFEST:
                manifest = Manifest.from_json(content.read())
            elif name.startswith(STORAGE):
                found[name] = keep(name.removeprefix(STORAGE), content)
            else:
                with database.open("wb") as target:
                    found[name] = copied(content, target)
    if manifest is None:
        raise BackupError(f"{path} has no {MANIFEST}: it was cut off, or is no backup.")
    wrong = sorted(name for name in found.keys() | manifest.files.keys() if found.get(name) != manifest.files.get(name))
    if wrong:
        raise BackupError(f"{path} is damaged: {_some(wrong)}")
    return manifest


def _store(name: str, content: IO[bytes]) -> Member:
    """Into storage under its own name; what is there under it is replaced."""
    if default_storage.exists(name):
        default_storage.delete(name)
    with tempfile.TemporaryFile() as held:
        member = copied(content, held)
        held.seek(0)
        if (kept := default_storage.save(name, File(held))) != name:
            raise BackupError(f"Storage keeps {name} under another name, {kept}: empty it first.")
    return member


def _check_kind(manifest: Manifest, database: Database) -> None:
    if manifest.database != database.kind:
        raise BackupError(f"This is a backup of {manifest.database}; DATABASE_URL names {database.kind}.")
    try:
        opened = unseal(manifest.seal)
    except DoesNotOpen as error:
        raise BackupError(f"The backup's secrets were sealed with another key. {error}.") from None
    if opened != SEALED_WORD:
        raise BackupError("The manifest was not written by ciservice.")


@contextmanager
def _connected(beside: dict[str, Any]) -> Iterator[str]:
    """A connection of Django's to it: its alias."""
    alias = f"verify_{uuid4().hex[:8]}"
    connections.databases[alias] = {**beside, "CONN_MAX_AGE": 0}
    try:
        yield alias
    finally:
        connections[alias].close()
        with contextlib.suppress(AttributeError):
            delattr(connections._connections, alias)  # type: ignore[attr-defined]  # forgets what `close` leaves
        del connections.databases[alias]


def _check(manifest: Manifest, alias: str, say: Say) -> Checked:
    found = counts(connections[alias])
    wrong = sorted(name for name in manifest.tables if found.get(name) != manifest.tables[name])
    if wrong:
        raise BackupError(f"Rows are missing, or too many, in: {_some(wrong)}")
    rows = sum(found.values())
    say(f"{rows} rows in {len(found)} tables")
    # One of an earlier release has fewer columns than the models of this one.
    call_command("migrate", database=alias, interactive=False, verbosity=0)
    missing = sorted({name for name in _named(alias) if STORAGE + name not in manifest.files})
    if missing:
        raise BackupError(f"{len(missing)} files that the database names are not in the backup: {_some(missing)}")
    sealed = _check_sealed(alias)
    say(f"{sealed} sealed values open")
    return Checked(manifest, rows, len(manifest.files) - 1, sealed)


def _named(alias: str) -> Iterator[str]:
    """The names in storage that rows hold."""
    for model in apps.get_models():
        names = {field.name for field in model._meta.concrete_fields} & {"storage_name"}
        for name in names:
            yield from (text for text in _raw(model, alias, name).iterator() if text)


def _check_sealed(alias: str) -> int:
    """Open every sealed value; how many there are."""
    opened = 0
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, SealedField):
                opened += _open_all(model, alias, field.name)
    return opened


def _open_all(model: Any, alias: str, name: str) -> int:
    opened = 0
    for text in _raw(model, alias, name).iterator():
        if not text:
            continue
        try:
            unseal(text)
        except DoesNotOpen as error:
            raise BackupError(f"{model._meta.label}.{name}: {error}") from None
        opened += 1
    return opened


def _raw(model: Any, alias: str, name: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = model._base_manager.using(alias).order_by("pk")
    found: QuerySet[Any] = rows.annotate(as_it_stands=as_it_stands(name)).values_list("as_it_stands", flat=True)
    return found


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")

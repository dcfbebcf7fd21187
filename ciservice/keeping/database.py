"""The database's part: a copy of one moment while the service goes on, and a database made of such a copy."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ciservice import env
from ciservice.keeping.archive import BackupError

_SECONDS = 6 * 3600
_QUIET = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0"


class Database(ABC):
    """One kind of database. Paths are files of its own format."""

    kind: str
    file: str

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    @abstractmethod
    def copy(self, target: Path) -> dict[str, int]:
        """Write the database as it is at one moment; the rows of each table then."""

    @abstractmethod
    def load(self, source: Path, *, replace: bool) -> None:
        """Make the configured database of a copy; BackupError where there is one with something in it."""

    @abstractmethod
    def beside(self, source: Path) -> contextlib.AbstractContextManager[dict[str, Any]]:
        """A database of its own made of a copy, for as long as one looks at it: its settings."""


class Sqlite(Database):
    """One file; SQLite copies it page by page while others write."""

    kind, file = "sqlite", "database.sqlite3"

    def copy(self, target: Path) -> dict[str, int]:
        """By SQLite's own backup."""
        name = self.settings["NAME"]
        with (
            contextlib.closing(sqlite3.connect(name, timeout=60)) as source,
            contextlib.closing(sqlite3.connect(target)) as copied,
        ):
            source.backup(copied)
            copied.execute("PRAGMA journal_mode=DELETE")
            return _counts_of_sqlite(copied)

    def load(self, source: Path, *, replace: bool) -> None:
        """Put the copy in the file's place."""
        place = Path(self.settings["NAME"])
        if place.exists() and not replace and _holds_something(place):
            raise BackupError(f"{place} holds a database already: move it away, or give --replace.")
        connections["default"].close()
        place.parent.mkdir(parents=True, exist_ok=True)
        for old in (place, Path(f"{place}-wal"), Path(f"{place}-shm")):
            old.unlink(missing_ok=True)
        shutil.copyfile(source, place)
        place.chmod(0o600)

    @contextlib.contextmanager
    def beside(self, source: Path) -> Iterator[dict[str, Any]]:
        """The copy itself, once its pages are sound."""
        with contextlib.closing(sqlite3.connect(source)) as copied:
            said = copied.execute("PRAGMA integrity_check").fetchone()[0]
        if said != "ok":
            raise BackupError(f"The copy of the database is damaged: {said[:200]}")
        yield {**self.settings, "NAME": str(source)}


def _counts_of_sqlite(connection: sqlite3.Connection) -> dict[str, int]:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names.fetchall()}  # noqa: S608


def _holds_something(place: Path) -> bool:
    with contextlib.closing(sqlite3.connect(place)) as there:
        return any(_counts_of_sqlite(there).get(name) for name in ("accounts_user", "builds_project"))


class Postgresql(Database):
    """pg_dump and pg_restore, of the server's own release or newer."""

    kind, file = "postgresql", "database.dump"

    def copy(self, target: Path) -> dict[str, int]:
        """By pg_dump, of the snapshot whose rows are counted."""
        connection = connections["default"].copy()
        try:
            with connection.cursor() as cursor:
                cursor.execute(_QUIET)
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                cursor.execute("SELECT pg_export_snapshot()")
                snapshot = cursor.fetchone()[0]
                self._run(
                    "pg_dump",
                    "--format=custom",
                    "--no-owner",
                    "--no-privileges",
                    f"--snapshot={snapshot}",
                    "-f",
                    target,
                )
                return counts(connection)
        finally:
            connection.close()

    def load(self, source: Path, *, replace: bool) -> None:
        """Into the configured database, all or nothing."""
        connection = connections["default"]
        tables = connection.introspection.table_names()
        if "accounts_user" in tables and not replace and _users(connection):
            raise BackupError("The database holds people already: name an empty one, or give --replace.")
        connection.close()
        self._restore(source, str(self.settings["NAME"]), "--clean", "--if-exists", "--single-transaction")

    @contextlib.contextmanager
    def beside(self, source: Path) -> Iterator[dict[str, Any]]:
        """In a database of its own on the same server, which is dropped afterwards."""
        name = f"ciservice_verify_{uuid4().hex[:12]}"
        self._run("createdb", name, database="")
        try:
            self._restore(source, name)
            yield {**self.settings, "NAME": name}
        finally:
            self._run("dropdb", "--force", name, database="")

    def _restore(self, source: Path, name: str, *options: str) -> None:
        self._run("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", *options, source, database=name)

    def _run(self, program: str, *words: object, database: str | None = None) -> None:
        name = str(self.settings["NAME"]) if database is None else database
        command = [_program(program), *self._server(), *([f"--dbname={name}"] if name else []), *map(str, words)]
        # The password goes by the environment: command lines are for all to see.
        environment = {**env.everything(), "PGPASSWORD": str(self.settings["PASSWORD"])}
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise BackupError(f"{program} did not end within {_SECONDS // 3600} hours.") from None
        if done.returncode:
            raise BackupError(f"{program}: {done.stderr.strip()[-500:]}")

    def _server(self) -> list[str]:
        parts = {"--host": "HOST", "--port": "PORT", "--username": "USER"}
        return [f"{option}={self.settings[name]}" for option, name in parts.items() if self.settings.get(name)]


def _program(name: str) -> str:
    """Debian has pg_dump of each release in a folder of its own; the newest reads what any server has."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    place = str(found[0]) if found else shutil.which(name)
    if place is None:
        raise BackupError(f"{name} is missing: install PostgreSQL's client, such as apt-get install postgresql-client.")
    return place


def _users(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM accounts_user)")
        return bool(cursor.fetchone()[0])


def counts(connection: BaseDatabaseWrapper) -> dict[str, int]:
    """The rows of each table."""
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for name in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(name)}")  # noqa: S608
            found[name] = cursor.fetchone()[0]
    return found


def the_database() -> Database:
    """The configured one."""
    connection = connections["default"]
    kind = Sqlite if connection.vendor == "sqlite" else Postgresql
    return kind(connection.settings_dict)

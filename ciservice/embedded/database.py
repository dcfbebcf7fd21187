"""The embedded database before anybody opens it to write: readable, and the one that this folder had."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ciservice.embedded.place import CannotStart, Place

WAIT_SECONDS = 20


def check_database(place: Place) -> None:
    """Raises CannotStart where the file is damaged, or gone from a folder that has served before.

    To begin anew without a word would look as if every build had been deleted.
    """
    path = place.data_dir / "ciservice.sqlite3"
    if not _has_tables(path) and place.last_credentials.exists():
        raise CannotStart(
            f"the database {path} is gone, but {place.data_dir} was used before: put it back from a backup, "
            f"or remove {place.last_credentials} to begin anew"
        )


def _has_tables(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as database:
            rows = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'django_migrations'").fetchall()
    except sqlite3.DatabaseError as error:
        raise CannotStart(f"the database {path} cannot be read ({error}): put it back from a backup") from error
    return bool(rows)

"""The embedded database at start: whole and known, or one clear line."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from ciservice.embedded.database import check_database
from ciservice.embedded.place import CannotStart, Place


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(data_dir=tmp_path, host="127.0.0.1", port=8000)


@pytest.fixture
def database(place):
    return place.data_dir / "ciservice.sqlite3"


def make(database) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE django_migrations (id integer)")


def test_a_first_start_has_none(place):
    check_database(place)


def test_a_start_that_was_cut_off_before_the_first_table(place, database):
    database.touch()
    check_database(place)


def test_one_that_is_there(place, database):
    make(database)
    place.last_credentials.touch()
    check_database(place)


@pytest.mark.parametrize("is_empty", [False, True])
def test_one_that_is_gone_is_not_begun_anew_without_a_word(place, database, is_empty):
    place.last_credentials.touch()
    if is_empty:
        database.touch()
    with pytest.raises(CannotStart, match="is gone, but .* was used before: put it back from a backup"):
        check_database(place)


def test_one_that_is_damaged(place, database):
    make(database)
    with database.open("r+b") as file:
        file.write(b"x" * 200)
    with pytest.raises(CannotStart, match=r"cannot be read \(file is not a database\)"):
        check_database(place)

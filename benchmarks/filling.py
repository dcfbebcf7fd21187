"""Rows by the hundred thousand, as copies of one: a statement for each table, its columns taken from the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import DateTimeField, Model

_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = %s AND schemaname = current_schema() AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""
_UNIQUE = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'u'"


@contextmanager
def filling(*, unindexed: tuple[type[Model], ...] = ()) -> Iterator[Any]:
    """A cursor of one transaction that looks up no foreign key; the tables of `unindexed` have their indexes made at its
    end, and are locked until then: for an instance that does nothing else meanwhile.
    """
    with connection.cursor() as cursor:
        with transaction.atomic():
            for setting in (
                "statement_timeout = 0",
                "synchronous_commit = off",
                "maintenance_work_mem = '256MB'",
                "session_replication_role = replica",  # no triggers: rows copied from good ones refer to good ones
            ):
                cursor.execute(f"SET LOCAL {setting}")
            again = [statement for model in unindexed for statement in _without_indexes(cursor, model)]
            yield cursor
            for statement in again:
                cursor.execute(statement)
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")


def _without_indexes(cursor: Any, model: type[Model]) -> list[str]:
    """Drop them, but the primary key's; the statements that make them again."""
    table = model._meta.db_table
    cursor.execute(_UNIQUE, [table])
    unique = cursor.fetchall()
    for name, _ in unique:
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    cursor.execute(_INDEXES, [table])
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    return [
        *(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {text}' for name, text in unique),
        *(text for _, text in indexes),
    ]


def copy(cursor: Any, model: type[Model], pk: int, count: int, **changed: str) -> int:
    """`count` copies of a row, `c`; `n` counts them from 1. Returns an id below all of theirs."""
    last = _last(cursor, model)
    _insert(cursor, model, "generate_series(1, %s) n", (count, pk), changed)
    return last


def copy_below(cursor: Any, model: type[Model], pk: int, above: type[Model], after: int, **changed: str) -> int:
    """A copy of a row, `c`, for each row `p` of `above` whose id is beyond `after`. Returns an id below all of theirs."""
    last = _last(cursor, model)
    parents = above._meta.db_table
    parent = next(field.column for field in model._meta.concrete_fields if field.related_model is above)
    given = {parent: "p.id", **changed}
    _insert(cursor, model, f"(SELECT id FROM {parents} WHERE id > %s ORDER BY id) p", (after, pk), given)
    return last


def long_ago(model: type[Model]) -> dict[str, str]:
    """Its times, some weeks earlier: what ended just now is looked at by sweeps, and history is not."""
    times = [field.column for field in model._meta.concrete_fields if isinstance(field, DateTimeField)]
    return {name: f"c.\"{name}\" - interval '40 days'" for name in times}


def _insert(cursor: Any, model: type[Model], source: str, values: tuple[int, int], changed: dict[str, str]) -> None:
    names, table = _columns(model), model._meta.db_table
    given = {"uuid": "gen_random_uuid()", **changed}
    chosen = ", ".join(given.get(name, f'c."{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    cursor.execute(f"INSERT INTO {table} ({quoted}) SELECT {chosen} FROM {source}, {table} c WHERE c.id = %s", values)


def _columns(model: type[Model]) -> list[str]:
    return [field.column for field in model._meta.concrete_fields if not field.primary_key]


def _last(cursor: Any, model: type[Model]) -> int:
    cursor.execute(f"SELECT coalesce(max(id), 0) FROM {model._meta.db_table}")
    return int(cursor.fetchone()[0])

"""Many new rows of one model in one statement: what `bulk_create` writes, without compiling it value by value again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Field, Model


def insert(rows: Sequence[Model]) -> None:
    """Write rows of one model and give them their keys, in the caller's transaction.

    As with `bulk_create` no signals are sent. Columns with a default of the database's take that.
    """
    if not rows:
        return
    fields, head = _columns(type(rows[0]))
    most = max(connection.ops.bulk_batch_size(fields, rows), 1)
    for first in range(0, len(rows), most):
        _insert(rows[first : first + most], fields, head)


def _insert(rows: Sequence[Model], fields: Sequence[Field[Any, Any]], head: str) -> None:
    one = f"({', '.join(['%s'] * len(fields))})"
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for row in rows for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(f"{head} VALUES {', '.join([one] * len(rows))} RETURNING id", values)
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk, row._state.adding, row._state.db = key, False, connection.alias


@lru_cache(maxsize=16)
def _columns(model: type[Model]) -> tuple[tuple[Field[Any, Any], ...], str]:
    """The fields that are written, and the statement up to its values."""
    fields = tuple(
        field for field in model._meta.concrete_fields if not field.primary_key and not field.has_db_default()
    )
    names = ", ".join(f'"{field.column}"' for field in fields)
    return fields, f"INSERT INTO {model._meta.db_table} ({names})"

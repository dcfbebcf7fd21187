"""Queries that doors ask with every request: Django writes their SQL once, and only the values change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

Row = Sequence[Any]


@dataclass(frozen=True)
class _Statement:
    sql: str
    values: list[Any]
    places: dict[int, int]  # which of `values` is which of the caller's
    converters: dict[int, Any]  # by column, as Django's compiler has them


class Compiled:
    """The `values_list` that `make` gives for values such as `samples`: texts, whole numbers and UUIDs, all different.

    `make` is called once for each kind of database, so nothing but its arguments may change from call to call.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], *samples: object) -> None:
        self._make = make
        self._samples = samples
        self._statements: dict[str, _Statement] = {}

    def rows(self, *values: object) -> list[Row]:
        """The rows for `values`, in the order of the samples."""
        statement = self._statements.get(connection.vendor) or self._compile()
        given = list(statement.values)
        for place, which in statement.places.items():
            given[place] = _stored(values[which])
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, given)
            rows = cursor.fetchall()
        return [_converted(row, statement.converters) for row in rows] if statement.converters else rows

    def _compile(self) -> _Statement:
        compiler = self._make(*self._samples).query.get_compiler(connection.alias)
        sql, values = compiler.as_sql()
        known = [_stored(sample) for sample in self._samples]
        places = {place: known.index(value) for place, value in enumerate(values) if value in known}
        if set(places.values()) != set(range(len(known))):
            raise ValueError(f"not every value is found in {sql}")
        converters = compiler.get_converters([column for column, _, _ in compiler.select])
        statement = _Statement(sql, list(values), places, converters)
        self._statements[connection.vendor] = statement
        return statement


def _stored(value: object) -> object:
    """As the database takes it."""
    return value.hex if isinstance(value, UUID) and not connection.features.has_native_uuid_field else value


def _converted(row: Row, converters: dict[int, Any]) -> Row:
    values = list(row)
    for column, (functions, expression) in converters.items():
        for function in functions:
            values[column] = function(values[column], expression, connection)
    return values

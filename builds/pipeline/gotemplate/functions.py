"""The functions that Go gives every template, as far as they make sense here."""

from __future__ import annotations

import html
import json
import operator
from collections.abc import Callable
from urllib.parse import quote_plus

from builds.pipeline.gotemplate.errors import TemplateError
from builds.pipeline.gotemplate.printf import kind, printf
from builds.pipeline.gotemplate.times import Moment

Value = str | int | float | bool | Moment
_Function = Callable[[list[Value]], Value]
_NUMBERS = (int, float)


def truth(value: Value) -> bool:
    """Go's: nothing, zero and false are not."""
    return True if isinstance(value, Moment) else bool(value)


def printed(value: Value) -> str:
    """How a value is written."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _equal(values: list[Value]) -> bool:
    """Whether the first is one of the others."""
    if len(values) < 2:
        raise TemplateError("`eq` needs two values")
    return any(_compare(values[0], other, operator.eq) for other in values[1:])


def _two(name: str, test: Callable[[object, object], bool]) -> _Function:
    def check(values: list[Value]) -> bool:
        if len(values) != 2:
            raise TemplateError(f"`{name}` needs two values")
        return _compare(values[0], values[1], test)

    return check


def _compare(one: Value, other: Value, test: Callable[[object, object], bool]) -> bool:
    is_number = [isinstance(value, _NUMBERS) and not isinstance(value, bool) for value in (one, other)]
    if all(is_number) or (isinstance(one, str) and isinstance(other, str)):
        return test(one, other)
    if test in {operator.eq, operator.ne}:
        # What CodeShip's fields were in Go is written nowhere: `eq .Ci "true"` and `eq .Ci true` both say what is meant.
        return test(printed(one), printed(other))
    raise TemplateError(f"{kind(one)} and {kind(other)} cannot be compared")


def _and(values: list[Value]) -> Value:
    return next((value for value in values if not truth(value)), _last(values, "and"))


def _or(values: list[Value]) -> Value:
    return next((value for value in values if truth(value)), _last(values, "or"))


def _last(values: list[Value], name: str) -> Value:
    if not values:
        raise TemplateError(f"`{name}` needs a value")
    return values[-1]


def _not(values: list[Value]) -> bool:
    if len(values) != 1:
        raise TemplateError("`not` needs one value")
    return not truth(values[0])


def _len(values: list[Value]) -> int:
    if len(values) != 1 or not isinstance(values[0], str):
        raise TemplateError("`len` needs one text")
    return len(values[0].encode("utf-8", "surrogatepass"))


def _slice(values: list[Value]) -> str:
    text, *bounds = values or [0]
    if not isinstance(text, str) or len(bounds) > 2 or not all(type(bound) is int for bound in bounds):
        raise TemplateError("`slice` needs a text, and where to begin and to end")
    data = text.encode("utf-8", "surrogatepass")
    first, end = (*(int(str(bound)) for bound in bounds), *(0, len(data))[len(bounds) :])
    if not 0 <= first <= end <= len(data):
        raise TemplateError(f"`slice`: the text has {len(data)} bytes, {first} to {end} is not within")
    return data[first:end].decode("utf-8", "replace")


def _printf(values: list[Value]) -> str:
    if not values or not isinstance(values[0], str):
        raise TemplateError('`printf` needs a form in quotes, such as `"%.8s"`')
    return printf(values[0], values[1:])


def _print(values: list[Value]) -> str:
    """With a blank between two of which neither is a text, as Go has it."""
    text = ""
    for position, value in enumerate(values):
        if position and not isinstance(value, str) and not isinstance(values[position - 1], str):
            text += " "
        text += printed(value)
    return text


def _println(values: list[Value]) -> str:
    return " ".join(printed(value) for value in values) + "\n"


FUNCTIONS: dict[str, _Function] = {
    "and": _and,
    "or": _or,
    "not": _not,
    "eq": _equal,
    "ne": _two("ne", operator.ne),
    "lt": _two("lt", lambda one, other: one < other),  # type: ignore[operator]
    "le": _two("le", lambda one, other: one <= other),  # type: ignore[operator]
    "gt": _two("gt", lambda one, other: one > other),  # type: ignore[operator]
    "ge": _two("ge", lambda one, other: one >= other),  # type: ignore[operator]
    "len": _len,
    "slice": _slice,
    "print": _print,
    "println": _println,
    "printf": _printf,
    "html": lambda values: html.escape(_print(values)),
    "js": lambda values: json.dumps(_print(values))[1:-1],
    "urlquery": lambda values: quote_plus(_print(values).encode("utf-8", "replace")),
}

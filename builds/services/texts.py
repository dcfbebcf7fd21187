"""Texts of strangers on their way into rows."""

from __future__ import annotations

from collections.abc import Mapping


def storable(text: str, most: int | None = None) -> str:
    """The text without what no database takes: NUL is left out, half a surrogate pair becomes "?"; cut at `most`."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:most]


def is_storable(value: object) -> bool:
    """Whether every text in a JSON value can be stored as it is."""
    if isinstance(value, str):
        return storable(value) == value
    if isinstance(value, Mapping):
        return all(is_storable(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return all(is_storable(part) for part in value)
    return True

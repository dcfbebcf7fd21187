"""Take what is needed out of a host's JSON; what is not as documented is an error of the host, never one of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from builds.providers.errors import Unavailable

_STRANGE = "The git host answered in a way that is not understood: is this the address of its API?"


def parsed(body: bytes) -> Any:
    """The JSON in `body`; Unavailable where there is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unavailable(_STRANGE) from None


def rows(data: object, *path: str) -> list[dict[str, Any]]:
    """The list of objects at `path`."""
    found = _at(data, path)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Unavailable(_STRANGE)
    return found


def text(data: object, *path: str) -> str:
    """The text or number at `path`, as text of one line; Unavailable where there is none."""
    found = maybe(data, *path)
    if not found:
        raise Unavailable(_STRANGE)
    return found


def maybe(data: object, *path: str) -> str:
    """As `text`; "" where nothing is there."""
    found = _at(data, path)
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        return ""
    return "".join(letter if letter.isprintable() else " " for letter in str(found)[:2000])


def flag(data: object, *path: str) -> bool:
    """Whether `path` says true."""
    return _at(data, path) is True


def denied(data: object, *path: str) -> bool:
    """Whether `path` says false: nothing said is not a no."""
    return _at(data, path) is False


def _at(data: object, path: tuple[str, ...]) -> object:
    for name in path:
        if not isinstance(data, Mapping):
            return None
        data = data.get(name)
    return data

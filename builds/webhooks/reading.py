"""Reads what git hosts send: everything here comes from outside, so nothing is taken for what it should be."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from builds.refs import is_commit, is_ref


class Unreadable(ValueError):
    """The payload is not what the event says; the text says what is wrong, for the project's page."""


def payload_of(body: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object in a request's body, sent as such or as a form's field `payload`."""
    try:
        if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            body = parse_qs(body, max_num_fields=10)[b"payload"][0]
        payload = json.loads(body)
    except KeyError:
        raise Unreadable("The form has no field named payload.") from None
    except (ValueError, RecursionError):
        raise Unreadable("The body is not JSON.") from None
    if not isinstance(payload, dict):
        raise Unreadable("The body is not a JSON object.")
    return payload


def field(payload: object, *path: str) -> Any:
    """What lies at `path` of nested objects; None where any part is missing."""
    for key in path:
        payload = payload.get(key) if isinstance(payload, dict) else None
    return payload


def text(payload: object, *path: str) -> str:
    """The text at `path`, safe to store; "" where there is none."""
    value = field(payload, *path)
    return storable(value) if isinstance(value, str) else ""


def storable(value: str) -> str:
    """`value` without what a database refuses: NUL and halves of surrogate pairs."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def number(payload: object, *path: str) -> int | None:
    """The whole number at `path` that fits a column; None where there is none."""
    value = field(payload, *path)
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return value if fits else None


def commit(payload: object, *path: str) -> str:
    """The full commit at `path`; Unreadable where there is something else."""
    value = field(payload, *path)
    if not isinstance(value, str) or not is_commit(value):
        raise Unreadable(f"{'.'.join(path)} is not a full commit id.")
    return value


def ref_of(payload: object) -> str:
    """The payload's full ref; Unreadable where git could not have such a one."""
    value = field(payload, "ref")
    if not isinstance(value, str) or not is_ref(value):
        raise Unreadable("ref is not a full ref of at most 255 characters, such as refs/heads/main.")
    return value

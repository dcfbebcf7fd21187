"""Reads what git hosts send: everything here comes from outside, so nothing is taken for what it should be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from builds.refs import is_commit, is_ref
from builds.services.told import News, Nothing

MOST_CHANGES = 100  # of one delivery
_COMMIT_START = re.compile(r"[0-9a-f]{7,64}")


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


def rows(payload: object, *path: str) -> list[Any]:
    """The list at `path`; empty where there is none."""
    value = field(payload, *path)
    return value if isinstance(value, list) else []


def identity(payload: object, *path: str) -> str:
    """A host's own id of something, a number or a text, as text; "" where there is none."""
    value = field(payload, *path)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:200] if -(10**30) < value < 10**30 else ""
    return storable(value)[:200] if isinstance(value, str) else ""


def moment(payload: object, *path: str) -> datetime | None:
    """The time at `path`: ISO 8601, GitLab's older "2026-01-31 12:00:00 UTC", or milliseconds since 1970."""
    value = field(payload, *path)
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
        found = datetime.fromisoformat(value.replace(" UTC", "+00:00")) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    if found is None or found.tzinfo is None:
        return found and found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        return None


def proposal_number(payload: object, *path: str) -> int:
    """A pull request's number; Unreadable where there is none."""
    found = number(payload, *path)
    if not found:
        raise Unreadable(f"{'.'.join(path)} is not the pull request's number.")
    return found


def branch(payload: object, *path: str) -> str:
    """A branch's name; Unreadable where git could not have such a one."""
    value = field(payload, *path)
    if not isinstance(value, str) or not is_ref(f"refs/heads/{value}"):
        raise Unreadable(f"{'.'.join(path)} is not the name of a branch of at most 255 characters.")
    return value


def web_address(payload: object, *path: str) -> str:
    """The address at `path` for people to follow; "" where it is none of the web."""
    value = text(payload, *path)
    return value if value.startswith(("https://", "http://")) and len(value) <= 500 and value.isprintable() else ""


def commit(payload: object, *path: str) -> str:
    """The full commit at `path`; Unreadable where there is something else."""
    value = field(payload, *path)
    if not isinstance(value, str) or not is_commit(value):
        raise Unreadable(f"{'.'.join(path)} is not a full commit id.")
    return value


def commit_start(payload: object, *path: str) -> str:
    """A commit at `path`, or its first 7 digits or more; Unreadable where there is something else."""
    value = field(payload, *path)
    if not isinstance(value, str) or not _COMMIT_START.fullmatch(value):
        raise Unreadable(f"{'.'.join(path)} is not the beginning of a commit id.")
    return value


def news_of_each(payload: object, *path: str, read: Callable[[object], News]) -> tuple[News, ...]:
    """What each of the changes at `path` tells, at most MOST_CHANGES; one that cannot be read does not hide the others."""
    changes = field(payload, *path)
    if not isinstance(changes, list):
        raise Unreadable(f"{'.'.join(path)} is not a list.")
    if len(changes) == 1:
        return (read(changes[0]),)
    news = [_news_or_why(change, read) for change in changes[:MOST_CHANGES]]
    if (left := len(changes) - MOST_CHANGES) > 0:
        news.append(Nothing(reason=f"{left} changes more came with it: {MOST_CHANGES} of one delivery are read."))
    return tuple(news) or (Nothing(reason="A push without changes."),)


def _news_or_why(change: object, read: Callable[[object], News]) -> News:
    try:
        return read(change)
    except Unreadable as unreadable:
        return Nothing(reason=str(unreadable))


def ref_of(payload: object) -> str:
    """The payload's full ref; Unreadable where git could not have such a one."""
    value = field(payload, "ref")
    if not isinstance(value, str) or not is_ref(value):
        raise Unreadable("ref is not a full ref of at most 255 characters, such as refs/heads/main.")
    return value

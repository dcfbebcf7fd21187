"""Reads what git hosts send: everything here comes from outside, so nothing is taken for what it should be."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs

from builds.models.build import Trigger

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ZEROS = re.compile(r"0+")
# What git itself forbids in a ref's name (git-check-ref-format).
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|[/.]$")
_SKIP = re.compile(r"\[skip ci\]|\[ci skip\]|--skip-ci|--ci-skip", re.IGNORECASE)
_LONGEST_REF = 255


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
    if not isinstance(value, str) or not _COMMIT.fullmatch(value):
        raise Unreadable(f"{'.'.join(path)} is not a full commit id.")
    return value


def is_zero(commit_id: str) -> bool:
    """Whether it stands for "no commit": the ref was made, or deleted."""
    return _ZEROS.fullmatch(commit_id) is not None


def ref_of(payload: object) -> str:
    """The payload's full ref; Unreadable where git could not have such a one."""
    value = field(payload, "ref")
    if not isinstance(value, str) or not value.startswith("refs/") or _BAD_REF.search(value):
        raise Unreadable("ref is not a full ref such as refs/heads/main.")
    if len(value) > _LONGEST_REF or value != storable(value):
        raise Unreadable("ref is longer than 255 characters, or not text.")
    return value


def branch_of(ref: str) -> tuple[Trigger, str]:
    """What a ref's push triggers, and the branch's or tag's name; "" for notes, pull requests and the like."""
    if ref.startswith("refs/tags/"):
        return Trigger.TAG, ref.removeprefix("refs/tags/")
    return Trigger.PUSH, ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""


def wants_skip(message: str) -> bool:
    """Whether the commit's message asks for no build, in one of CodeShip's four spellings."""
    return _SKIP.search(message) is not None

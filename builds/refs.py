"""Refs and commits as git writes them; what comes from outside is checked here before anything is built."""

from __future__ import annotations

import re

from builds.models.build import Trigger

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# What git itself forbids in a ref's name (git-check-ref-format), and halves of surrogate pairs, which are no text.
_BAD = re.compile(r"[\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]|\.\.|@\{|//|/\.|\.lock(?:/|$)|[/.]$")
_LONGEST = len("refs/heads/") + 255
_SKIP = re.compile(r"\[skip ci\]|\[ci skip\]|--skip-ci|--ci-skip", re.IGNORECASE)


def is_commit(text: str) -> bool:
    """Whether it is a whole commit id: 40 or 64 hex digits."""
    return _COMMIT.fullmatch(text) is not None


def is_zero(commit: str) -> bool:
    """Whether it stands for "no commit": the ref was made, or deleted."""
    return bool(commit) and not commit.strip("0")


def is_ref(text: str) -> bool:
    """Whether git could have this full ref, such as refs/heads/main, and a row can hold it."""
    return text.startswith("refs/") and len(text) <= _LONGEST and not _BAD.search(text)


def branch_of(ref: str) -> tuple[Trigger, str]:
    """What a ref's push triggers, and the branch's or tag's name; "" for notes, pull requests and the like."""
    if ref.startswith("refs/tags/"):
        return Trigger.TAG, ref.removeprefix("refs/tags/")
    return Trigger.PUSH, ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""


def wants_skip(message: str) -> bool:
    """Whether the commit's message asks for no build, in one of CodeShip's four spellings."""
    return _SKIP.search(message) is not None

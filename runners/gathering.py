"""Files of a checkout, found by patterns and opened without following what a step may have linked elsewhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import re2

from runners.errors import SpecError
from runners.trees import FOLDER, opened_beneath

MOST_LOOKED_AT = 1_000_000  # files and folders; what has more is no checkout
MAX_PATTERN = 300
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Found:
    """A regular file or a link: its path from the checkout, with `/`, and its size in bytes."""

    path: str
    size: int
    is_link: bool = False


@dataclass(frozen=True)
class Most:
    """How much may be gathered."""

    files: int
    bytes: int


def find(root: Path, patterns: Sequence[str], most: Most, *, links: bool = False) -> list[Found]:
    """What matches, in the order of its paths; with `links` the symbolic links, too. Nothing of `.git` is found.

    `*` is any text and `?` one character within a name, `**` any folders; a pattern that fits a folder means all in it.
    SpecError where it is more than `most`, or a pattern leads out of the checkout.
    """
    fits = matcher(patterns)
    found: list[Found] = []
    size = 0
    for one in _walk(root):
        if (one.is_link and not links) or not fits(one.path):
            continue
        found.append(one)
        size += one.size
        if len(found) > most.files or size > most.bytes:
            raise SpecError(f"{_shown(patterns)} is more than {most.files} files or {most.bytes >> 20} MiB.")
    return sorted(found, key=lambda one: one.path)


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Says of a path whether one of the patterns fits it. SpecError for what is no pattern."""
    wanted = [_compiled(pattern) for pattern in patterns]
    return lambda path: any(pattern.fullmatch(path) for pattern in wanted)


def open_beneath(root: Path, path: str) -> BinaryIO:
    """The regular file at that path, no part of which may be a link by now. OSError where it is something else."""
    *folders, name = path.split("/")
    with opened_beneath(os.open(root, FOLDER), folders) as handle:
        descriptor = os.open(name, _FILE, dir_fd=handle)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no regular file")
    return os.fdopen(descriptor, "rb")


def check_pattern(pattern: str) -> str:
    """Why this is no pattern; "" where it is one."""
    parts = pattern.split("/")
    if not pattern or len(pattern) > MAX_PATTERN or "\0" in pattern:
        return f"a path has 1 to {MAX_PATTERN} characters"
    if pattern.startswith(("/", "~")) or ".." in parts:
        return "a path lies in the checkout: no `/` or `~` in front, and no `..`"
    return ""


def _compiled(pattern: str) -> Any:
    if why := check_pattern(pattern):
        raise SpecError(f"`{pattern[:80]}`: {why}.")
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    text = "".join("(?:[^/]+/)*" if part == "**" else _name(part) + "/" for part in parts)
    # "a/**" and "a" both mean everything in a; "a" may be a file as well.
    body = text.removesuffix("/")
    whole = f"{body}.+" if parts[-1:] == ["**"] else f"{body}(?:/.*)?"
    return re2.compile(f"(?s){whole}" if parts else "(?s).*")


def _name(part: str) -> str:
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(letter) or re2.escape(letter) for letter in part.replace("**", "*"))


def _walk(root: Path) -> Iterator[Found]:
    """Every file and link below, with a stack of its own; a folder that cannot be read or went away is passed over."""
    folders, seen = [""], 0
    while folders:
        folder = folders.pop()
        try:
            entries = os.scandir(root / folder)
        except OSError:
            continue
        with entries:
            for entry in entries:
                seen += 1
                if seen > MOST_LOOKED_AT:
                    raise SpecError(f"The checkout has more than {MOST_LOOKED_AT} files.")
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if path != ".git":
                        folders.append(path)
                elif (one := _found(entry, path)) is not None:
                    yield one


def _found(entry: os.DirEntry[str], path: str) -> Found | None:
    try:
        facts = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    if stat.S_ISLNK(facts.st_mode):
        return Found(path, 0, is_link=True)
    return Found(path, facts.st_size) if stat.S_ISREG(facts.st_mode) else None


def _shown(patterns: Sequence[str]) -> str:
    return ", ".join(patterns)[:200]

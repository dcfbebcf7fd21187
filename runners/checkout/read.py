"""Reads files and facts of a commit out of a mirror, without a checkout."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from runners.checkout.command import (
    Bounds,
    GitCommand,
    GitFailed,
    GitTimedOut,
    git_argv,
    git_environment,
    kill_group,
    run_git,
)
from runners.contract import Unreadable
from runners.errors import CheckoutError

READ_SECONDS = 30
MOST_TREE_BYTES = 32 * 1024 * 1024  # of one folder's list of names
MOST_MESSAGE = 20_000


@dataclass(frozen=True, kw_only=True)
class CommitFacts:
    """What a commit says about itself."""

    message: str
    author_name: str
    author_email: str
    described: str  # git describe --abbrev=1 --tags --always


def commit_facts(mirror: Path, commit: str) -> CommitFacts:
    """Message, author and description of a commit that `fetch` brought; `mirror` is the bare repository's folder."""
    bounds = Bounds.of(READ_SECONDS)
    show = ["log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%an%x00%ae%x00%B", commit, "--"]
    describe = ["describe", "--abbrev=1", "--tags", "--always", commit]
    with _told():
        name, email, message = _text(run_git(GitCommand(arguments=show, folder=mirror), bounds)).split("\0", 2)
        described = _text(run_git(GitCommand(arguments=describe, folder=mirror), bounds)).strip()
    return CommitFacts(
        message=message.strip()[:MOST_MESSAGE].replace("\0", ""),
        author_name=name[:200],
        author_email=email[:254],
        described=described,
    )


def read_files(mirror: Path, commit: str, names: Sequence[str], *, most_bytes: int) -> dict[str, str | Unreadable]:
    """The texts of those of the named files that the commit has; `mirror` is the bare repository's folder.

    Unreadable stands for one that is larger than `most_bytes`, not UTF-8, or a symbolic link: links are never
    followed. One git process, however many names.
    """
    with _told(), _objects(mirror) as objects:
        root = _tree_of(objects, commit)
        found = {name: _find(objects, root, name, most_bytes) for name in names}
    return {name: text for name, text in found.items() if text is not None}


def _find(objects: _Objects, root: bytes, name: str, most_bytes: int) -> str | Unreadable | None:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise CheckoutError(f"{name!r} is not a path inside the repository.", retry=False)
    tree = root
    for part in parts[:-1]:
        mode, oid = _entry(tree, part, objects.id_bytes)
        if mode != "40000":
            return None
        _, tree = objects.get(oid, MOST_TREE_BYTES)
    mode, oid = _entry(tree, parts[-1], objects.id_bytes)
    if mode == "120000":
        return Unreadable("this is a symbolic link: it must be a file")
    if not mode.startswith("100"):
        return None
    kind, data = objects.get(oid, most_bytes)
    if kind == "too large":
        return Unreadable(f"this is larger than {most_bytes // 1024} KiB")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Unreadable("this holds characters that are not UTF-8: save it as UTF-8")


def _entry(tree: bytes, name: str, id_bytes: int) -> tuple[str, str]:
    """(mode, id) of one name in a tree object: `mode name NUL id`, again and again; ("", "") where it is not there."""
    at, wanted = 0, name.encode(errors="surrogateescape")
    while at < len(tree):
        end = tree.index(b"\0", at)
        mode, _, found = tree[at:end].partition(b" ")
        at = end + 1 + id_bytes
        if found == wanted:
            return mode.decode(), tree[end + 1 : at].hex()
    return "", ""


def _tree_of(objects: _Objects, commit: str) -> bytes:
    kind, data = objects.get(f"{commit}^{{tree}}", MOST_TREE_BYTES)
    if kind != "tree":
        raise CheckoutError("The commit is not in the mirror.")
    return data


class _Objects:
    """A conversation with `git cat-file --batch`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._asks: IO[bytes] = process.stdin
        self._answers: IO[bytes] = process.stdout
        self.id_bytes = 20

    def get(self, name: str, most_bytes: int) -> tuple[str, bytes]:
        """(type, content); the type is "missing" or "too large" where there is none to give."""
        self._asks.write(name.encode() + b"\n")
        self._asks.flush()
        words = self._answers.readline().decode(errors="replace").split()
        if len(words) != 3:
            if not words:
                raise GitTimedOut  # killed by the timer, or by damage
            return "missing", b""
        size, self.id_bytes = int(words[2]), len(words[0]) // 2
        if size > most_bytes:
            self._skip(size + 1)
            return "too large", b""
        data = self._answers.read(size)
        self._answers.read(1)
        return words[1], data

    def _skip(self, count: int) -> None:
        while count > 0 and (data := self._answers.read(min(count, 1 << 20))):
            count -= len(data)


@contextlib.contextmanager
def _objects(mirror: Path) -> Iterator[_Objects]:
    with subprocess.Popen(
        git_argv(["cat-file", "--batch"]),
        cwd=mirror,
        env=git_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        timer = threading.Timer(READ_SECONDS, kill_group, [process])
        timer.daemon = True
        timer.start()
        try:
            yield _Objects(process)
        finally:
            timer.cancel()
            kill_group(process)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (GitFailed, GitTimedOut, BrokenPipeError, FileNotFoundError):
        raise CheckoutError("The commit could not be read from the mirror.") from None


def _text(data: bytes) -> str:
    return data.decode(errors="replace")

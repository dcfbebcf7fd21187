"""Which submodules a checkout has: each a commit of another repository, fetched under the same policy as the first."""

from __future__ import annotations

import hashlib
import posixpath
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from runners.checkout.command import Bounds, GitCommand, GitFailed, run_git
from runners.contract import GitSource
from runners.errors import CheckoutError

MOST_SUBMODULES = 200
MOST_FILE_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Submodule:
    """Where it belongs in the checkout, and where it comes from."""

    path: str
    source: GitSource


def submodules_of(source: GitSource, checkout: Path, bounds: Bounds) -> list[Submodule]:
    """The submodules that .gitmodules names and the commit pins. CheckoutError(retry=False) for what cannot be."""
    file = checkout / ".gitmodules"
    if not file.is_file() or file.is_symlink():
        return []
    if file.stat().st_size > MOST_FILE_BYTES:
        raise CheckoutError(".gitmodules is too large.", retry=False)
    named = [entry for entry in _named(checkout, bounds) if entry.get("path") and entry.get("url")]
    if len(named) > MOST_SUBMODULES:
        raise CheckoutError(f"There are more than {MOST_SUBMODULES} submodules.", retry=False)
    pinned = _pinned(checkout, [entry["path"] for entry in named], bounds)
    wanted = [entry for entry in named if entry["path"] in pinned and entry.get("update") != "none"]
    return [_submodule(source, checkout, entry, pinned) for entry in wanted]


def _submodule(source: GitSource, checkout: Path, entry: dict[str, str], pinned: dict[str, str]) -> Submodule:
    path = entry["path"]
    _check_path(checkout, path)
    url = resolve(source.url, entry["url"])
    # A stranger's .gitmodules may name every repository that the key opens.
    key = source.private_key if _host(url) == _host(source.url) and not source.is_strangers else ""
    # The first mirror's name, so that projects never share one; a nested submodule belongs to the same project.
    project = source.mirror.partition(".sub.")[0]
    mirror = f"{project}.sub.{hashlib.sha256(url.encode()).hexdigest()[:24]}"
    return Submodule(
        path=path,
        source=GitSource(
            url=url,
            commit=pinned[path],
            ref="HEAD",
            mirror=mirror,
            private_key=key,
            is_strangers=source.is_strangers,
        ),
    )


def resolve(parent: str, url: str) -> str:
    """An address relative to its parent's ("../library.git") made whole."""
    if not url.startswith(("./", "../")):
        return url
    if "://" in parent:
        parts = urlsplit(parent)
        return urlunsplit(parts._replace(path=_joined(parts.path, url)))
    host, colon, path = parent.partition(":")
    if parent.startswith("/") or not colon:
        return _joined(parent, url)
    return f"{host}:{_joined('/' + path, url).lstrip('/')}"


def _joined(path: str, relative: str) -> str:
    return posixpath.normpath(posixpath.join(path.rstrip("/"), relative))


def _host(url: str) -> str:
    if "://" in url:
        return urlsplit(url).hostname or ""
    return url.partition(":")[0].rpartition("@")[2].lower() if not url.startswith("/") else ""


def _check_path(checkout: Path, path: str) -> None:
    """Nothing on the way may be a symbolic link, or lead out, or into .git."""
    parts = PurePosixPath(path).parts
    wrong = CheckoutError(f"The submodule's path {path!r} cannot be used.", retry=False)
    if not parts or path.startswith("/") or any(part == ".." or part.lower() == ".git" for part in parts):
        raise wrong
    folder = checkout
    for part in parts:
        folder = folder / part
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise wrong


def _pinned(checkout: Path, paths: list[str], bounds: Bounds) -> dict[str, str]:
    """path -> commit of every gitlink that the index has at one of the paths."""
    if not paths:
        return {}
    arguments = ["--literal-pathspecs", "ls-files", "--stage", "-z", "--", *paths]
    try:
        said = run_git(GitCommand(arguments=arguments, folder=checkout), bounds)
    except GitFailed:
        raise CheckoutError(".gitmodules names paths outside of the repository.", retry=False) from None
    found = {}
    for line in said.decode(errors="surrogateescape").split("\0"):
        facts, _, path = line.partition("\t")
        if facts.startswith("160000 "):
            found[path] = facts.split(" ")[1]
    return found


def _named(checkout: Path, bounds: Bounds) -> list[dict[str, str]]:
    arguments = ["config", "--no-includes", "--file", ".gitmodules", "--list", "-z"]
    try:
        said = run_git(GitCommand(arguments=arguments, folder=checkout), bounds).decode(errors="surrogateescape")
    except GitFailed:
        raise CheckoutError(".gitmodules cannot be read.", retry=False) from None
    entries: dict[str, dict[str, str]] = {}
    for line in said.split("\0"):
        key, _, value = line.partition("\n")
        section, _, name = key.rpartition(".")
        if section.startswith("submodule."):
            entries.setdefault(section, {})[name] = value
    return list(entries.values())

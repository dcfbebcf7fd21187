"""Lays a commit out as a checkout of its own, for a job that may do with it what it likes.

The checkout shares no file with the mirror: a step that runs as root could write through a hard link and poison the
builds after it. Pack files are therefore copied (a file system that can share blocks does), which takes no git process
at all; a mirror beyond `MOST_COPIED_BYTES` is fetched from instead, as deep as `git describe` needs and no deeper.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from runners.checkout.command import Bounds, GitCommand, GitFailed, GitTimedOut, run_git
from runners.checkout.failures import explain
from runners.checkout.locks import locked
from runners.checkout.mirror import check_source, fetch, folder_bytes, mirror_path, packs_lock
from runners.checkout.policy import GitPolicy
from runners.checkout.submodules import Submodule, submodules_of
from runners.contract import GitSource, Stop
from runners.errors import CheckoutError

MOST_COPIED_BYTES = 128 * 1024 * 1024
LEAST_DEPTH, MOST_DEPTH = 50, 5000
MOST_SUBMODULE_DEPTH = 5


def lay_out(source: GitSource, mirrors: Path, into: Path, *, policy: GitPolicy, stop: Stop | None = None) -> None:
    """A self-contained git checkout of `source.commit`, which `fetch` brought, in the folder `into` (new or empty).

    HEAD stands on the branch for a branch build, else on the commit itself; the tags are there; submodules are laid
    out too, from mirrors of their own under the same policy. CheckoutError as `fetch`.
    """
    _lay_out(source, mirrors, into, _Terms(policy, Bounds.of(policy.limits.total_seconds, stop), depth=0))


class _Terms:
    """What holds for a checkout and for its submodules."""

    def __init__(self, policy: GitPolicy, bounds: Bounds, *, depth: int) -> None:
        self.policy, self.bounds, self.depth = policy, bounds, depth

    def deeper(self) -> _Terms:
        return _Terms(self.policy, self.bounds, depth=self.depth + 1)


def check_out(source: GitSource, mirrors: Path, into: Path, *, policy: GitPolicy, stop: Stop | None = None) -> None:
    """`fetch`, then `lay_out`."""
    fetch(source, mirrors, policy=policy, stop=stop)
    lay_out(source, mirrors, into, policy=policy, stop=stop)


def _lay_out(source: GitSource, mirrors: Path, into: Path, terms: _Terms) -> None:
    check_source(source, terms.policy)
    mirror = mirror_path(mirrors, source.mirror)
    into.mkdir(parents=True, exist_ok=True)
    try:
        _write_git_folder(source, into / ".git")
        with locked(packs_lock(mirror), terms.bounds, shared=True):
            _bring_objects(source, mirror, into, terms.bounds)
        _write_files(source, into, terms.bounds)
        found = submodules_of(source, into, terms.bounds)
    except GitTimedOut:
        raise CheckoutError("Laying out the checkout took too long.") from None
    except GitFailed as failed:
        raise explain(failed.text) from None
    except OSError as error:
        raise CheckoutError(f"The checkout could not be written: {error.strerror}.") from None
    for submodule in found:
        _add(submodule, mirrors, into, terms)


def _add(submodule: Submodule, mirrors: Path, into: Path, terms: _Terms) -> None:
    if terms.depth >= MOST_SUBMODULE_DEPTH:
        raise CheckoutError("The submodules are nested too deeply.", retry=False)
    try:
        fetch(submodule.source, mirrors, policy=terms.policy, stop=terms.bounds.stop)
        _lay_out(submodule.source, mirrors, into / submodule.path, terms.deeper())
    except CheckoutError as error:
        raise CheckoutError(f"Submodule {submodule.path}: {error}", retry=error.retry) from None


def _write_git_folder(source: GitSource, folder: Path) -> None:
    """What `git init` would make, without the process."""
    for name in ("objects/pack", "objects/info", "refs/heads", "refs/tags"):
        (folder / name).mkdir(parents=True)
    branch = _branch(source)
    (folder / "HEAD").write_text(f"ref: refs/heads/{branch or 'detached'}\n")
    lines = [
        "[core]",
        "\trepositoryformatversion = 0",
        "\tfilemode = true",
        "\tbare = false",
        "\tlogallrefupdates = true",
    ]
    if len(source.commit) == 64:
        lines[1] = "\trepositoryformatversion = 1"
        lines += ["[extensions]", "\tobjectformat = sha256"]
    lines += ['[remote "origin"]', f"\turl = {_quoted(source.url)}", "\tfetch = +refs/heads/*:refs/remotes/origin/*"]
    if branch:
        lines += [f"[branch {_quoted(branch)}]", "\tremote = origin", f"\tmerge = {_quoted(source.ref)}"]
    (folder / "config").write_text("\n".join(lines) + "\n")


def _bring_objects(source: GitSource, mirror: Path, into: Path, bounds: Bounds) -> None:
    if folder_bytes(mirror) > MOST_COPIED_BYTES:
        _fetch_shallow(source, mirror, into, bounds)
        return
    refs = run_git(GitCommand(arguments=["for-each-ref", "--format=%(objectname) %(refname)"], folder=mirror), bounds)
    names = [line.split(" ", 1) for line in refs.decode(errors="surrogateescape").splitlines()]
    shown = [(oid, _shown_as(name)) for oid, name in names]
    packed = sorted((name, oid) for oid, name in shown if name)
    text = "".join(f"{oid} {name}\n" for name, oid in packed)
    (into / ".git/packed-refs").write_text(text, errors="surrogateescape")
    _copy_packs(mirror / "objects", into / ".git/objects")


def _shown_as(name: str) -> str:
    """What a ref of the mirror is called in the checkout; "" = it stays behind."""
    if name.startswith("refs/tags/"):
        return name
    if name.startswith("refs/heads/"):
        return f"refs/remotes/origin/{name.removeprefix('refs/heads/')}"
    return ""


def _copy_packs(objects: Path, into: Path) -> None:
    # A pack's index is the last to get its name: what has one is whole, also while somebody fetches.
    for index in (objects / "pack").glob("*.idx"):
        for suffix in (".pack", ".idx", ".rev"):
            part = index.with_suffix(suffix)
            if part.exists():
                copy_file(part, into / "pack" / part.name)


def copy_file(source: Path, target: Path) -> None:
    """Copy the bytes, in the kernel where it can; blocks are shared where the file system can."""
    copy = getattr(os, "copy_file_range", None)
    with open(source, "rb") as reader, open(target, "xb") as writer:
        if copy is not None:
            with contextlib.suppress(OSError):
                while copy(reader.fileno(), writer.fileno(), 1 << 30):
                    pass
            reader.seek(os.lseek(writer.fileno(), 0, os.SEEK_CUR))
        shutil.copyfileobj(reader, writer, 1 << 20)


def _fetch_shallow(source: GitSource, mirror: Path, into: Path, bounds: Bounds) -> None:
    """Only the newest history, with the tags on it: as deep as to the tag that `git describe` would name."""
    depth = min(max(LEAST_DEPTH, _distance_to_tag(source, mirror, bounds) + 1), MOST_DEPTH)
    refspec = f"+{source.commit}:refs/remotes/origin/{_branch(source) or 'HEAD'}"
    arguments = ["fetch", "--quiet", f"--depth={depth}", "--no-write-fetch-head", "--", f"file://{mirror}", refspec]
    environment = {"GIT_ALLOW_PROTOCOL": "file"}
    # Checked when they came into the mirror; checking again would take longer than the copy.
    settings = {"fetch.fsckObjects": "false", "transfer.fsckObjects": "false", "fetch.unpackLimit": "1"}
    run_git(GitCommand(arguments=arguments, folder=into, settings=settings, environment=environment), bounds)


def _distance_to_tag(source: GitSource, mirror: Path, bounds: Bounds) -> int:
    arguments = ["describe", "--tags", "--long", "--candidates=1", source.commit]
    try:
        said = run_git(GitCommand(arguments=arguments, folder=mirror), bounds).decode(errors="replace")
    except GitFailed:
        return 0  # no tag anywhere
    return int(said.rsplit("-", 2)[1])


def _write_files(source: GitSource, into: Path, bounds: Bounds) -> None:
    if _branch(source):
        arguments = ["reset", "--quiet", "--hard", source.commit, "--"]
    else:
        arguments = ["checkout", "--quiet", "--force", "--detach", source.commit, "--"]
    run_git(GitCommand(arguments=arguments, folder=into), bounds)


def _branch(source: GitSource) -> str:
    return source.ref.removeprefix("refs/heads/") if source.ref.startswith("refs/heads/") else ""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

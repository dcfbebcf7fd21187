"""A clean checkout of one commit beside a person's own, for as long as a run takes."""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from ciservice.cli.local.errors import Broken, Trouble
from ciservice.cli.local.place import data_dir
from runners.trees import remove_tree

SECONDS = 300


@contextlib.contextmanager
def checkout_of(commit: str, repository: Path) -> Iterator[Path]:
    """A folder with the commit's files and a repository of its own, which goes afterwards. Trouble without the commit."""
    _check(commit, repository)
    above = data_dir() / "builds"
    try:
        above.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=above, prefix=f"{commit[:12]}-"))
    except OSError as error:
        raise Broken(
            f"{above} cannot be written: {error.strerror}. Set CISERVICE_CACHE to a folder that can."
        ) from None
    try:
        _lay_out(commit, repository, folder)
        yield folder
    finally:
        if not remove_tree(folder):
            click.echo(f"{folder} holds files of another user, which a container wrote: remove it by hand.", err=True)


def _check(commit: str, repository: Path) -> None:
    if not re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", commit):
        raise Trouble("The build has no commit yet.")
    if _git(repository, "rev-parse", "--git-dir").returncode:
        raise Trouble(f"{repository.absolute()} is no git repository: name the build's checkout with --dir.")
    if _git(repository, "cat-file", "-e", f"{commit}^{{commit}}").returncode:
        raise Trouble(f"Commit {commit} is not in this repository: get it with `git fetch`.")


def _lay_out(commit: str, repository: Path, folder: Path) -> None:
    """A clone that shares no file that a step could change: git never writes to objects."""
    common = _git(repository, "rev-parse", "--path-format=absolute", "--git-common-dir").stdout.decode().strip()
    clone = ["clone", "--quiet", "--no-checkout", "--no-hardlinks", "--template=", "--", common, str(folder)]
    for arguments in (clone, ["-C", str(folder), "checkout", "--quiet", "--detach", commit]):
        ended = _git(repository, *arguments)
        if ended.returncode:
            raise Trouble(
                f"Commit {commit} cannot be checked out: {ended.stderr.decode(errors='replace')[:500].strip()}"
            )


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(repository), "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        return subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Broken(f"git does not work: {error}") from None

"""Which paths differ between two commits of a mirror."""

from __future__ import annotations

from pathlib import Path

from runners.checkout.command import Bounds, GitCommand, GitFailed, GitTimedOut, run_git

READ_SECONDS = 30
MOST_PATHS = 100_000


def changed_paths(mirror: Path, base: str, commit: str) -> tuple[str, ...] | None:
    """The paths, sorted; None where that cannot be said: a commit is not there any more, or too much has changed."""
    arguments = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", base, commit, "--"]
    try:
        answer = run_git(GitCommand(arguments=arguments, folder=mirror), Bounds.of(READ_SECONDS))
    except (GitFailed, GitTimedOut, FileNotFoundError):
        return None
    paths = answer.decode(errors="replace").split("\0")[:-1]
    return None if len(paths) > MOST_PATHS else tuple(sorted(paths))

"""Which of two commits of a mirror came first."""

from __future__ import annotations

from pathlib import Path

from runners.checkout.command import Bounds, GitCommand, GitFailed, GitTimedOut, run_git

READ_SECONDS = 10


def is_ancestor(mirror: Path, older: str, newer: str) -> bool:
    """Whether `newer` was made from `older`; False, too, where one of them is not here."""
    arguments = ["merge-base", "--is-ancestor", older, newer]
    try:
        run_git(GitCommand(arguments=arguments, folder=mirror), Bounds.of(READ_SECONDS))
    except (GitFailed, GitTimedOut, FileNotFoundError):
        return False
    return True

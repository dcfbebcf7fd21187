"""Which git this machine has."""

from __future__ import annotations

import functools
import subprocess

from runners.checkout.command import git_environment

_SECONDS = 10


@functools.cache
def git_version() -> str:
    """ "2.39.5"; "" where git does not say. Asked once in the life of a process."""
    try:
        done = subprocess.run(
            ["git", "--version"],
            env=git_environment(),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.removeprefix("git version").strip()[:40]

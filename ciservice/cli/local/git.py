"""What git says of a checkout on this machine: the variables that a build of the server would have had of it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

GIT_SECONDS = 10
_FORMAT = "%H%x00%an%x00%ae%x00%B"


@dataclass(frozen=True, kw_only=True)
class Head:
    """The commit that is checked out; empty texts where there is none."""

    branch: str = ""
    commit: str = ""
    author_name: str = ""
    author_email: str = ""
    message: str = ""
    described: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """Without those that are empty."""
        found = {
            "CI_BRANCH": self.branch,
            "CI_COMMIT_ID": self.commit,
            "CI_COMMITTER_NAME": self.author_name,
            "CI_COMMITTER_EMAIL": self.author_email,
            "CI_COMMIT_MESSAGE": self.message,
            "CI_MESSAGE": self.message,
            "CI_COMMIT_DESCRIPTION": self.described,
        }
        return {name: value for name, value in found.items() if value}


def head(folder: Path) -> Head:
    """The commit and branch of the checkout; an empty one where it is no repository or git is not installed."""
    parts = _git(folder, "log", "-1", "--no-show-signature", f"--format={_FORMAT}").split("\0", 3)
    if len(parts) < 4:
        return Head()
    commit, name, email, message = parts
    return Head(
        branch=_git(folder, "symbolic-ref", "--quiet", "--short", "HEAD").strip(),
        commit=commit,
        author_name=name,
        author_email=email,
        message=message.strip(),
        described=_git(folder, "describe", "--abbrev=1", "--tags", "--always").strip(),
    )


def _git(folder: Path, *arguments: str) -> str:
    try:
        ended = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.decode(errors="replace") if ended.returncode == 0 else ""

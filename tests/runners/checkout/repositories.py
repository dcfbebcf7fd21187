"""Real repositories for the tests, made by git with nobody's configuration."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from runners.contract import GitSource

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada Lovelace",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada Lovelace",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_ALLOW_PROTOCOL": "file",
    "LC_ALL": "C",
}


def git(folder: Path, *arguments: str, given: str | None = None) -> str:
    """Its output; an error of git fails the test with its text."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=ENVIRONMENT, input=given, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, f"git {arguments}: {done.stderr}"
    return done.stdout.strip()


class Repository:
    """A bare repository, and the clone its commits are made in."""

    def __init__(self, folder: Path, name: str = "origin", **init: str) -> None:
        self.bare = folder / f"{name}.git"
        self.work = folder / f"{name}-work"
        options = [f"--{key.replace('_', '-')}={value}" for key, value in init.items()]
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "-q", "--bare", "-b", "main", *options, str(self.bare))
        git(folder, "init", "-q", "-b", "main", *options, str(self.work))
        git(self.work, "remote", "add", "origin", str(self.bare))

    def commit(self, message: str = "Change", *, push: bool = True, **files: str) -> str:
        """Write the files (`__` in a name is a slash, `_dot_` a dot) and commit; the new commit's id."""
        for key, text in files.items():
            path = self.work / key.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(self.work, "add", "--all")
        git(self.work, "commit", "-q", "--allow-empty", "-m", message)
        if push:
            self.push("HEAD")
        return git(self.work, "rev-parse", "HEAD")

    def push(self, *what: str) -> None:
        git(self.work, "push", "-q", "--force", "origin", *what)

    def tag(self, name: str, *, annotated: bool = False) -> None:
        git(self.work, "tag", *(["-a", "-m", name] if annotated else []), name)
        self.push(f"refs/tags/{name}")

    def source(self, commit: str = "", ref: str = "refs/heads/main", **fields: str) -> GitSource:
        return GitSource(**{"url": str(self.bare), "commit": commit, "ref": ref, "mirror": "project", **fields})

"""Where a commit can be seen at its git host."""

from __future__ import annotations

import re

from builds.models import Build
from builds.models.connection import Provider
from builds.refs import is_commit

_GITHUB = re.compile(r"(?:https://github\.com/|(?:ssh://)?git@github\.com[:/])([\w.-]+/[\w.-]+?)(?:\.git)?/?")


def commit_address(build: Build) -> str:
    """The page of the commit, "" where the host is not known to have one."""
    found = _GITHUB.fullmatch(build.project.repository_url)
    if build.project.provider != Provider.GITHUB or not found or not is_commit(build.commit):
        return ""
    return f"https://github.com/{found[1]}/commit/{build.commit}"

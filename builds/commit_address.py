"""Where a commit can be seen at its git host."""

from __future__ import annotations

import re

from builds.models import Build
from builds.models.connection import Provider
from builds.refs import is_commit

_HTTP = re.compile(r"(?P<base>https?://[A-Za-z0-9.-]+(?::\d+)?)/(?P<name>[\w./-]+?)(?:\.git)?/?")
_SSH = re.compile(
    r"(?:ssh://)?[\w.-]+@(?P<host>[A-Za-z0-9.-]+)(?::\d+/|[:/])(?P<name>[A-Za-z0-9_.][\w./-]*?)(?:\.git)?/?"
)
_PAGES: dict[str, str] = {
    Provider.GITHUB: "commit",
    Provider.GITLAB: "-/commit",
    Provider.BITBUCKET: "commits",
    Provider.GITEA: "commit",
}


def commit_address(build: Build) -> str:
    """The page of the commit, "" where the host is not known to have one."""
    page = _PAGES.get(build.project.provider)
    place = _place_of(build.project.repository_url)
    if page is None or not place or not is_commit(build.commit):
        return ""
    return f"{place}/{page}/{build.commit}"


def _place_of(url: str) -> str:
    """The repository's own page."""
    if found := _HTTP.fullmatch(url):
        return f"{found['base']}/{found['name']}"
    found = _SSH.fullmatch(url)
    return f"https://{found['host']}/{found['name']}" if found else ""

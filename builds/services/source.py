"""Where a build's commit is fetched from."""

from __future__ import annotations

from builds.models import Build
from runners.contract import GitSource


def source_of(build: Build) -> GitSource:
    """The build's commit in its project's repository, with the key that opens it."""
    project = build.project
    return GitSource(
        url=project.repository_url,
        commit=build.commit,
        ref=build.ref,
        mirror=str(project.uuid),
        private_key=project.ssh_private_key,
    )

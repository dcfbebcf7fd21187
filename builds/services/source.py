"""Where a build's commit is fetched from."""

from __future__ import annotations

from builds.models import Build
from runners.contract import GitSource


def source_of(build: Build) -> GitSource:
    """The build's commit in its project's repository, with the key that opens it.

    A fork's own repository is no business of the key, and what comes from there stays apart from the project's mirror,
    whose tags and branches it could move otherwise.
    """
    project = build.project
    return GitSource(
        url=build.fork_url or project.repository_url,
        commit=build.commit,
        ref=build.ref,
        mirror=f"{project.uuid}.forks" if build.fork_url else str(project.uuid),
        private_key="" if build.fork_url else project.ssh_private_key,
        is_strangers=build.from_fork,
    )

"""Build the same commit again: a new build, because what has ended stays as it ended."""

from __future__ import annotations

from accounts.models import User
from builds.models import Build
from builds.models.build import Trigger
from builds.services.trigger import BuildRequest, trigger


def retry(build: Build, *, requested_by: User | None, who: str) -> Build:
    """A new build of the same commit and ref; it reads the configuration of that commit anew."""
    return trigger(build.project, restart_request(build), who=who, requested_by=requested_by, restart_of=build)


def restart_request(build: Build) -> BuildRequest:
    """The same commit once more."""
    return BuildRequest(
        ref=build.ref,
        branch=build.branch,
        commit=build.commit,
        message=build.message,
        author_name=build.author_name,
        author_email=build.author_email,
        author_username=build.author_username,
        trigger=Trigger.RESTART,
        pull_request=build.pull_request,
        pull_request_url=build.pull_request_url,
        from_fork=build.from_fork,
        fork_url=build.fork_url,
        is_held=build.is_held,
        pipelines=tuple(build.only or ()),
    )

"""What a push asks for, however it was told: the rules that hold for every git host."""

from __future__ import annotations

from builds.models import Project
from builds.refs import branch_of, is_zero, wants_skip
from builds.services.receive import Incoming
from builds.services.told import Push
from builds.services.trigger import BuildRequest


def incoming_of(push: Push, project: Project) -> Incoming:
    """A build of the push's commit, or why there is none."""
    reason = _why_not(push) or _left_to_pull_requests(push, project)
    request = None if reason else _request_of(push)
    return Incoming(event="push", request=request, reason=reason, ref=push.ref, before=push.before, after=push.after)


def _request_of(push: Push) -> BuildRequest:
    trigger, branch = branch_of(push.ref)
    return BuildRequest(
        ref=push.ref,
        branch=branch,
        commit=push.commit,
        message=push.message,
        author_name=push.author_name,
        author_email=push.author_email,
        author_username=push.author_username,
        trigger=trigger,
    )


def _why_not(push: Push) -> str:
    if not branch_of(push.ref)[1]:
        return f"{push.ref} is neither a branch nor a tag."
    if is_zero(push.after):
        return f"{push.ref} was deleted."
    if wants_skip(push.message):
        return "The commit's message asks for no build."
    return ""


def _left_to_pull_requests(push: Push, project: Project) -> str:
    if not project.pull_requests_only or push.ref == f"refs/heads/{project.default_branch}":
        return ""
    return f"{push.ref} is built when a pull request asks for it: the project is set so."

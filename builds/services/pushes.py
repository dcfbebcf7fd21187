"""What a push asks for, however it was told: the rules that hold for every git host."""

from __future__ import annotations

from dataclasses import dataclass

from builds.refs import branch_of, is_zero, wants_skip
from builds.services.receive import Incoming
from builds.services.trigger import BuildRequest


@dataclass(frozen=True, kw_only=True)
class Push:
    """A ref that moved, and what is known of the commit it points at now."""

    ref: str
    before: str
    after: str  # zeros = the ref was deleted
    commit: str  # the commit itself where `after` is an annotated tag; else the same
    message: str = ""
    author_name: str = ""
    author_email: str = ""
    author_username: str = ""


def incoming_of(push: Push) -> Incoming:
    """A build of the push's commit, or why there is none."""
    reason = _why_not(push)
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

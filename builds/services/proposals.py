"""What a pull or merge request asks for: the rules that hold for every git host."""

from __future__ import annotations

from builds.models import Project
from builds.models.build import Trigger
from builds.models.connection import Forks
from builds.refs import is_ref
from builds.services.hosting import host_name
from builds.services.receive import Incoming
from builds.services.told import Head, Proposal, Step
from builds.services.trigger import BuildRequest


def incoming_of(proposal: Proposal, project: Project, *, event: str) -> Incoming:
    """A build of its head, or why there is none."""
    what = f"Pull request #{proposal.number}"
    ignored = _never_built(proposal.head, project) or (
        "has no new commit." if proposal.step == Step.STAYS else _out_of_reach(proposal.head, project)
    )
    if proposal.step == Step.CLOSES:
        standing = None if _never_built(proposal.head, project) else proposal
        return Incoming(event=event, reason=f"{what} was closed.", ref=_ref(proposal.head), proposal=standing)
    if ignored:
        return Incoming(event=event, reason=f"{what} {ignored}", ref=_ref(proposal.head))
    request = _request_of(proposal, project)
    return Incoming(event=event, request=request, ref=request.ref, proposal=proposal)


def _never_built(head: Head, project: Project) -> str:
    """Why the project builds no pull request of this head, whatever becomes of it; "" = it does."""
    if head.is_fork:
        return "comes from a fork: the project is set to build none." if project.forks == Forks.IGNORE else ""
    if not project.pull_requests_only or head.branch == project.default_branch:
        return f"is of this repository: its pushes are built as branch {head.branch[:100]}."
    return ""


def _out_of_reach(head: Head, project: Project) -> str:
    """Why a fork's commits cannot be had; "" = they can. Another host than the project's is never asked for them."""
    if not head.is_fork or head.ref:
        return ""
    if head.url and host_name(head.url) != host_name(project.repository_url):
        return f"comes from a fork at {host_name(head.url)[:100]}: only forks on the project's own host are fetched."
    return head.out_of_reach


def _ref(head: Head) -> str:
    """Where its commits are fetched from: the project's repository, or the fork."""
    ref = head.ref if head.is_fork and head.ref else f"refs/heads/{head.branch}"
    return ref if is_ref(ref) else ""


def _request_of(proposal: Proposal, project: Project) -> BuildRequest:
    head = proposal.head
    return BuildRequest(
        ref=_ref(head),
        # No branch of git's has a colon: a fork's "main" is never taken for the project's own.
        branch=f"{head.owner or 'fork'}:{head.branch}" if head.is_fork else head.branch,
        commit=head.commit,
        message=proposal.title,
        author_username=proposal.author,
        trigger=Trigger.PULL_REQUEST,
        pull_request=proposal.number,
        pull_request_url=proposal.url,
        from_fork=head.is_fork,
        fork_url=head.url if head.is_fork else "",
        is_held=head.is_fork and project.forks != Forks.BUILD,
    )

"""GitLab's webhooks, of gitlab.com and of one's own: Push Hook, Tag Push Hook, Merge Request Hook."""

from __future__ import annotations

from typing import Any

from builds.refs import is_zero
from builds.services.told import Head, News, Nothing, Proposal, Push, Step, Told
from builds.webhooks.reading import (
    branch,
    commit,
    field,
    identity,
    moment,
    proposal_number,
    ref_of,
    rows,
    storable,
    text,
    web_address,
)

_STEPS = {"open": Step.ASKS, "reopen": Step.ASKS, "close": Step.CLOSES, "merge": Step.CLOSES}


def read(event: str, payload: dict[str, Any]) -> Told:
    """What the delivery tells; Unreadable where the payload is not what `event` says."""
    return Told(
        event=storable(event),
        news=(_news(event, payload),),
        repository_id=identity(payload, "project", "id") or identity(payload, "project_id"),
        repository_name=text(payload, "project", "path_with_namespace"),
        clone_urls=(text(payload, "project", "git_ssh_url"), text(payload, "project", "git_http_url")),
    )


def _news(event: str, payload: dict[str, Any]) -> News:
    if event in {"Push Hook", "Tag Push Hook"}:
        return _push(payload)
    if event == "Merge Request Hook":
        return _proposal(payload)
    return Nothing(reason=f"Nothing is built for the event {storable(event)[:60]!r}.")


def _push(payload: dict[str, Any]) -> Push:
    ref, after = ref_of(payload), commit(payload, "after")
    its = after
    # For an annotated tag `after` names the tag's own object, `checkout_sha` the commit.
    if ref.startswith("refs/tags/") and not is_zero(after) and field(payload, "checkout_sha"):
        its = commit(payload, "checkout_sha")
    head = next((one for one in rows(payload, "commits") if text(one, "id") == its), None)
    return Push(
        ref=ref,
        before=commit(payload, "before"),
        after=after,
        commit=its,
        message=text(head, "message") or text(payload, "message"),
        author_name=text(head, "author", "name"),
        author_email=text(head, "author", "email"),
        author_username=text(payload, "user_username"),
    )


def _proposal(payload: dict[str, Any]) -> Proposal:
    its = field(payload, "object_attributes")
    number, step = proposal_number(payload, "object_attributes", "iid"), _step(payload)
    asks = step == Step.ASKS
    head = Head(
        branch=branch(its, "source_branch") if asks else text(its, "source_branch"),
        commit=commit(its, "last_commit", "id") if asks else text(its, "last_commit", "id"),
        is_fork=_is_fork(its),
        owner=text(its, "source", "path_with_namespace").rpartition("/")[0],
        ref=f"refs/merge-requests/{number}/head",
    )
    return Proposal(
        number=number,
        step=step,
        head=head,
        title=text(its, "title"),
        url=web_address(its, "url"),
        told_at=moment(its, "updated_at"),
    )


def _step(payload: dict[str, Any]) -> Step:
    its, action = field(payload, "object_attributes"), text(payload, "object_attributes", "action")
    step = _STEPS.get(action, Step.STAYS)
    # Every change of the request is an "update"; only one of its commits tells where they stood before.
    is_ready = field(payload, "changes", "draft", "current") is False
    if action == "update" and (text(its, "oldrev") or is_ready):
        step = Step.ASKS
    return Step.CLOSES if step == Step.ASKS and text(its, "state") in {"closed", "merged"} else step


def _is_fork(its: object) -> bool:
    """Whether the source is another project, or gone."""
    source, target = identity(its, "source_project_id"), identity(its, "target_project_id")
    return not source or source != target

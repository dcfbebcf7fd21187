"""GitHub's webhooks, of github.com and of GitHub Enterprise: push (branches and tags), pull_request, ping."""

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
    storable,
    text,
    web_address,
)

_STEPS = {
    "opened": Step.ASKS,
    "synchronize": Step.ASKS,
    "reopened": Step.ASKS,
    "ready_for_review": Step.ASKS,
    "closed": Step.CLOSES,
}


def read(event: str, payload: dict[str, Any]) -> Told:
    """What the delivery tells; Unreadable where the payload is not what `event` says."""
    return Told(
        event=storable(event),
        news=(_news(event, payload),),
        repository_id=identity(payload, "repository", "id"),
        repository_name=text(payload, "repository", "full_name"),
        clone_urls=(text(payload, "repository", "ssh_url"), text(payload, "repository", "clone_url")),
    )


def _news(event: str, payload: dict[str, Any]) -> News:
    if event == "push":
        return _push(payload)
    if event == "pull_request":
        return _proposal(payload)
    if event == "ping":
        return Nothing(reason="GitHub says hello.")
    return Nothing(reason=f"Nothing is built for the event {storable(event)[:60]!r}.")


def _push(payload: dict[str, Any]) -> Push:
    ref, after = ref_of(payload), commit(payload, "after")
    head = field(payload, "head_commit")
    is_tag = ref.startswith("refs/tags/")
    return Push(
        ref=ref,
        before=commit(payload, "before"),
        after=after,
        # For an annotated tag `after` names the tag's own object.
        commit=commit(head, "id") if is_tag and head and not is_zero(after) else after,
        message=text(head, "message"),
        author_name=text(head, "author", "name"),
        author_email=text(head, "author", "email"),
        author_username=text(head, "author", "username"),
    )


def _proposal(payload: dict[str, Any]) -> Proposal:
    number, step = proposal_number(payload, "number"), _STEPS.get(text(payload, "action"), Step.STAYS)
    its = field(payload, "pull_request")
    if step == Step.ASKS and text(its, "state") not in {"", "open"}:
        step = Step.CLOSES
    asks = step == Step.ASKS
    head = Head(
        branch=branch(payload, "pull_request", "head", "ref") if asks else text(its, "head", "ref"),
        commit=commit(payload, "pull_request", "head", "sha") if asks else text(its, "head", "sha"),
        is_fork=_is_fork(its),
        owner=text(its, "head", "repo", "owner", "login") or text(its, "head", "user", "login"),
        ref=f"refs/pull/{number}/head",
    )
    return Proposal(
        number=number,
        step=step,
        head=head,
        title=text(its, "title"),
        url=web_address(its, "html_url"),
        author=text(its, "user", "login"),
        told_at=moment(its, "updated_at"),
    )


def _is_fork(its: object) -> bool:
    """Whether the head's repository is another, or gone."""
    head, base = (identity(its, side, "repo", "id") for side in ("head", "base"))
    return not head or head != base

"""Gitea's and Forgejo's webhooks: push (branches and tags), pull_request."""

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

_STEPS = {"opened": Step.ASKS, "synchronized": Step.ASKS, "reopened": Step.ASKS, "closed": Step.CLOSES}


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
    # The header tells of reviews, labels and comments as events of their own; the action has the rest.
    if event in {"pull_request", "pull_request_sync"}:
        return _proposal(payload)
    if event in {"create", "delete"}:
        return Nothing(reason="What was made or deleted is told as a push, too, and that counts.")
    return Nothing(reason=f"Nothing is built for the event {storable(event)[:60]!r}.")


def _push(payload: dict[str, Any]) -> Push:
    ref, after = ref_of(payload), commit(payload, "after")
    head = field(payload, "head_commit") or next(
        (one for one in rows(payload, "commits") if text(one, "id") == after), None
    )
    is_tag = ref.startswith("refs/tags/")
    return Push(
        ref=ref,
        before=commit(payload, "before"),
        after=after,
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
        owner=text(its, "head", "repo", "owner", "login") or text(its, "user", "login"),
        ref=f"refs/pull/{number}/head",
    )
    return Proposal(
        number=number,
        step=step,
        head=head,
        title=text(its, "title"),
        url=web_address(its, "html_url") or web_address(its, "url"),
        author=text(its, "user", "login"),
        told_at=moment(its, "updated_at"),
    )


def _is_fork(its: object) -> bool:
    """Whether the head's repository is another, or gone: then its id is missing, or no repository's."""
    head, base = (identity(its, side, "repo_id") or identity(its, side, "repo", "id") for side in ("head", "base"))
    return not head or head != base

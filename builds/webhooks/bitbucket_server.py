"""Bitbucket Server's and Data Center's webhooks: repo:refs_changed, pr:*, diagnostics:ping."""

from __future__ import annotations

from typing import Any

from builds.services.told import Head, News, Nothing, Proposal, Push, Step, Told
from builds.webhooks.reading import (
    branch,
    commit,
    field,
    identity,
    moment,
    news_of_each,
    proposal_number,
    ref_of,
    rows,
    storable,
    text,
    web_address,
)

_STEPS = {
    "pr:opened": Step.ASKS,
    "pr:from_ref_updated": Step.ASKS,
    "pr:reopened": Step.ASKS,
    "pr:merged": Step.CLOSES,
    "pr:declined": Step.CLOSES,
    "pr:deleted": Step.CLOSES,
}


def read(event: str, payload: dict[str, Any]) -> Told:
    """What the delivery tells; Unreadable where the payload is not what `event` says."""
    whose = field(payload, "repository") or field(payload, "pullRequest", "toRef", "repository")
    key, slug = text(whose, "project", "key"), text(whose, "slug")
    return Told(
        event="ping" if event == "diagnostics:ping" else storable(event),
        news=_news(event, payload),
        repository_id=identity(whose, "id"),
        repository_name=f"{key}/{slug}" if key and slug else "",
        clone_urls=tuple(text(one, "href") for one in rows(whose, "links", "clone")[:4]),
    )


def _news(event: str, payload: dict[str, Any]) -> tuple[News, ...]:
    if event == "repo:refs_changed":
        head = field(payload, "toCommit")
        return news_of_each(payload, "changes", read=lambda change: _push(change, head))
    if event in _STEPS:
        return (_proposal(payload, _STEPS[event]),)
    if event == "diagnostics:ping":
        return (Nothing(reason="Bitbucket says hello."),)
    return (Nothing(reason=f"Nothing is built for the event {storable(event)[:60]!r}."),)


def _push(change: object, head: object) -> Push:
    after = commit(change, "toHash")
    known = head if text(head, "id") == after else None
    return Push(
        ref=ref_of({"ref": field(change, "ref", "id") or field(change, "refId")}),
        before=commit(change, "fromHash"),
        after=after,
        commit=after,
        message=text(known, "message"),
        author_name=text(known, "author", "displayName") or text(known, "author", "name"),
        author_email=text(known, "author", "emailAddress"),
        author_username=text(known, "author", "slug"),
    )


def _proposal(payload: dict[str, Any], step: Step) -> Proposal:
    number = proposal_number(payload, "pullRequest", "id")
    its = field(payload, "pullRequest")
    if step == Step.ASKS and text(its, "state") not in {"", "OPEN"}:
        step = Step.CLOSES
    asks = step == Step.ASKS
    head = Head(
        branch=branch(its, "fromRef", "displayId") if asks else text(its, "fromRef", "displayId"),
        commit=commit(its, "fromRef", "latestCommit") if asks else text(its, "fromRef", "latestCommit"),
        is_fork=_is_fork(its),
        owner=text(its, "fromRef", "repository", "project", "key"),
        ref=f"refs/pull-requests/{number}/from",
    )
    return Proposal(
        number=number,
        step=step,
        head=head,
        title=text(its, "title"),
        url=_link(its),
        author=text(its, "author", "user", "name"),
        told_at=moment(its, "updatedDate"),
    )


def _is_fork(its: object) -> bool:
    """Whether the source's repository is another, or gone."""
    source, target = (identity(its, side, "repository", "id") for side in ("fromRef", "toRef"))
    return not source or source != target


def _link(thing: object) -> str:
    links = rows(thing, "links", "self")
    return web_address(links[0], "href") if links else ""

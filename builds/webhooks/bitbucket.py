"""Bitbucket Cloud's webhooks: repo:push, which tells of several refs at a time, and pullrequest:*."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

from builds.services.told import Head, News, Nothing, Proposal, Push, Step, Told
from builds.webhooks.reading import (
    Unreadable,
    branch,
    commit,
    commit_start,
    field,
    identity,
    moment,
    news_of_each,
    proposal_number,
    ref_of,
    storable,
    text,
    web_address,
)

_ZEROS = "0" * 40
_FOLDERS = {"branch": "heads", "named_branch": "heads", "tag": "tags", "annotated_tag": "tags"}
_STEPS = {
    "pullrequest:created": Step.ASKS,
    "pullrequest:updated": Step.ASKS,  # for a new title, too: one commit is built once
    "pullrequest:fulfilled": Step.CLOSES,
    "pullrequest:rejected": Step.CLOSES,
}


def read(event: str, payload: dict[str, Any]) -> Told:
    """What the delivery tells; Unreadable where the payload is not what `event` says."""
    name = text(payload, "repository", "full_name")
    return Told(
        event=storable(event),
        news=_news(event, payload),
        repository_id=identity(payload, "repository", "uuid"),
        repository_name=name,
        clone_urls=(f"git@bitbucket.org:{name}.git", f"https://bitbucket.org/{name}.git"),
    )


def _news(event: str, payload: dict[str, Any]) -> tuple[News, ...]:
    if event == "repo:push":
        return news_of_each(payload, "push", "changes", read=_push)
    if event in _STEPS:
        return (_proposal(payload, _STEPS[event]),)
    return (Nothing(reason=f"Nothing is built for the event {storable(event)[:60]!r}."),)


def _push(change: object) -> Push:
    new, old = field(change, "new"), field(change, "old")
    thing = new or old
    folder = _FOLDERS.get(text(thing, "type"))
    if folder is None:
        raise Unreadable("What changed is neither a branch nor a tag.")
    ref = ref_of({"ref": f"refs/{folder}/{field(thing, 'name')}"})
    after = commit(new, "target", "hash") if new else _ZEROS
    name, email = parseaddr(text(new, "target", "author", "raw"))
    return Push(
        ref=ref,
        before=commit(old, "target", "hash") if old else _ZEROS,
        after=after,
        commit=after,
        message=text(new, "target", "message"),
        author_name=name,
        author_email=email,
        author_username=text(new, "target", "author", "user", "nickname"),
    )


def _proposal(payload: dict[str, Any], step: Step) -> Proposal:
    its = field(payload, "pullrequest")
    if step == Step.ASKS and text(its, "state") in {"MERGED", "DECLINED", "SUPERSEDED"}:
        step = Step.CLOSES
    asks = step == Step.ASKS
    home = web_address(its, "source", "repository", "links", "html", "href")
    head = Head(
        branch=branch(its, "source", "branch", "name") if asks else text(its, "source", "branch", "name"),
        commit=commit_start(its, "source", "commit", "hash") if asks else text(its, "source", "commit", "hash")[:64],
        is_fork=_is_fork(its),
        owner=text(its, "source", "repository", "full_name").partition("/")[0],
        url=f"{home.rstrip('/')}.git" if home else "",
        out_of_reach="" if home else "comes from a fork that is gone.",
    )
    return Proposal(
        number=proposal_number(payload, "pullrequest", "id"),
        step=step,
        head=head,
        title=text(its, "title"),
        url=web_address(its, "links", "html", "href"),
        author=text(its, "author", "nickname"),
        told_at=moment(its, "updated_on"),
    )


def _is_fork(its: object) -> bool:
    """Whether the source's repository is another, or gone."""
    source, destination = (identity(its, side, "repository", "uuid") for side in ("source", "destination"))
    return not source or source != destination

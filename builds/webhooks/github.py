"""GitHub's webhooks: push (branches and tags), pull_request, ping."""

from __future__ import annotations

from typing import Any

from builds.refs import is_zero
from builds.services.pushes import Push, incoming_of
from builds.services.receive import Incoming
from builds.webhooks.reading import Unreadable, commit, field, number, ref_of, storable, text

SIGNATURE_HEADER = "X-Hub-Signature-256"
EVENT_HEADER = "X-GitHub-Event"
DELIVERY_HEADER = "X-GitHub-Delivery"

_BUILDABLE_ACTIONS = {"opened", "synchronize", "reopened"}


def read(event: str, payload: dict[str, Any]) -> Incoming:
    """What the delivery asks for; Unreadable where the payload is not what `event` says."""
    if event == "push":
        return _push(payload)
    if event == "pull_request":
        return _pull_request(payload)
    if event == "ping":
        return Incoming(event="ping", reason="GitHub says hello.")
    return Incoming(event=storable(event), reason=f"Nothing is built for the event {storable(event)[:60]!r}.")


def _push(payload: dict[str, Any]) -> Incoming:
    ref, after = ref_of(payload), commit(payload, "after")
    head = field(payload, "head_commit")
    is_tag = ref.startswith("refs/tags/")
    return incoming_of(
        Push(
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
    )


def _pull_request(payload: dict[str, Any]) -> Incoming:
    """Pull requests build nothing: a branch of the repository was built when it was pushed, a fork's never is."""
    request = number(payload, "number")
    if request is None:
        raise Unreadable("number is not the pull request's number.")
    head, base = (field(payload, "pull_request", side, "repo", "id") for side in ("head", "base"))
    if text(payload, "action") not in _BUILDABLE_ACTIONS:
        reason = f"Pull request #{request} has no new commit."
    elif head is None or head != base:
        reason = f"Pull request #{request} comes from a fork: those are not built."
    else:
        branch = text(payload, "pull_request", "head", "ref")[:100]
        reason = f"Pull request #{request}: its pushes are built as branch {branch}."
    return Incoming(event="pull_request", reason=reason)

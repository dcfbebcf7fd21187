"""The webhook of any git server: what the post-receive script beside this file sends."""

from __future__ import annotations

import base64
from typing import Any

from builds.services.told import News, Nothing, Push, Told
from builds.webhooks.reading import Unreadable, commit, field, ref_of, storable, text


def read(event: str, payload: dict[str, Any]) -> Told:
    """What the delivery tells; Unreadable where the payload is not what `event` says.

    {"ref", "after", "before"?, "pusher"?, "message"?, "author"?: {"name", "email"}}; the script sends "commit_base64",
    the base64 of `git log -1 --format=%H%n%an%n%ae%n%B`, in their place: a shell cannot be trusted with JSON.
    """
    return Told(event=storable(event) or "push", news=(_news(event, payload),))


def _news(event: str, payload: dict[str, Any]) -> News:
    if event == "ping":
        return Nothing(reason="The git server says hello.")
    if event not in {"", "push"}:
        return Nothing(reason=f"Nothing is built for the event {storable(event)[:60]!r}.")
    after = commit(payload, "after")
    known = _logged_commit(payload) or {
        "commit": after,
        "author_name": text(payload, "author", "name"),
        "author_email": text(payload, "author", "email"),
        "message": text(payload, "message"),
    }
    return Push(
        ref=ref_of(payload),
        before=commit(payload, "before") if payload.get("before") else "",
        after=after,
        author_username=text(payload, "pusher") or text(payload, "pusher", "name"),
        **known,
    )


def _logged_commit(payload: dict[str, Any]) -> dict[str, str]:
    """What `commit_base64` tells; {} where it is missing or empty."""
    encoded = field(payload, "commit_base64")
    if not isinstance(encoded, str) or not encoded:
        return {}
    try:
        decoded = base64.b64decode(encoded, validate=True).decode(errors="replace")
    except ValueError:
        raise Unreadable("commit_base64 is not base64.") from None
    hash_, name, email, message = (*storable(decoded).split("\n", 3), "", "", "")[:4]
    told = {"commit_base64": hash_}
    return {
        "commit": commit(told, "commit_base64"),
        "author_name": name,
        "author_email": email,
        "message": message.rstrip("\n"),
    }

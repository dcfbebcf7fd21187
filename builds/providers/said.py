"""What a host says of a refusal, in its own words, as one short line."""

from __future__ import annotations

import json

from builds.providers.reading import maybe

_MOST = 200


def said(body: bytes) -> str:
    """The message in an answer that is an error; "" where there is none."""
    try:
        data = json.loads(body[:65536])
    except (ValueError, RecursionError):
        return ""
    if not isinstance(data, dict):
        return ""
    inner = [row for row in data["errors"] if isinstance(row, dict)] if isinstance(data.get("errors"), list) else []
    details = [text for row in inner if (text := maybe(row, "message"))]
    found = "; ".join(details) or maybe(data, "error", "message") or _message(data)
    return " ".join(found.split())[:_MOST]


def _message(data: dict[str, object]) -> str:
    plain = maybe(data, "error_description") or maybe(data, "message") or maybe(data, "error")
    # GitLab's message may be an object, with a list for each field.
    return plain or (json.dumps(data["message"], ensure_ascii=False) if data.get("message") else "")

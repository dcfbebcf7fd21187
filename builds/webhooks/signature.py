"""Whether a body comes from who knows a project's secret: over the bytes as they came, compared in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from functools import partial

TOLERANCE_SECONDS = 300
_MOST_SIGNATURES = 10  # in one header: GitLab sends a second one while its token changes

# A check of one host's headers: why the body is not let in, "" = it is.
Check = Callable[[str, bytes, Mapping[str, str]], str]


def sign(secret: str, body: bytes) -> str:
    """The header's value for `body`: `sha256=` and 64 hex digits."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed_in(*names: str) -> Check:
    """The check of the first of these headers that is there: `sha256=` and the signature in hex, or without the word."""
    return partial(_signed_in, names)


def _signed_in(names: tuple[str, ...], secret: str, body: bytes, headers: Mapping[str, str]) -> str:
    name = next((name for name in names if name in headers), names[0])
    given, right = headers.get(name, ""), sign(secret, body)
    if name not in _BARE:
        return "" if secret and _same(right, given) else _not_made(name)
    return "" if secret and _same(right.removeprefix("sha256="), given) else _not_made(name)


# Gitea's and Forgejo's own headers have nothing but the digits.
_BARE = frozenset({"X-Gitea-Signature", "X-Forgejo-Signature"})


def of_gitlab(secret: str, body: bytes, headers: Mapping[str, str]) -> str:
    """GitLab's check: its signature where there is one, which a right token does not make up for; else the token."""
    if "Webhook-Signature" in headers:
        return _of_standard_webhooks(secret, body, headers)
    return "" if secret and _same(secret, headers.get("X-Gitlab-Token", "")) else _not_made("X-Gitlab-Token")


def _of_standard_webhooks(secret: str, body: bytes, headers: Mapping[str, str]) -> str:
    told, at = headers.get("Webhook-Id", ""), headers.get("Webhook-Timestamp", "")
    digits = at.isascii() and at.isdigit() and len(at) < 12
    signed = f"{told}.{at}.".encode(errors="replace") + body
    right = "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    given = headers["Webhook-Signature"].split(" ", _MOST_SIGNATURES)[:_MOST_SIGNATURES]
    if not secret or not any(_same(right, one) for one in given):
        return (
            "webhook-signature is not made with this project's signing token: give GitLab the one of the set-up page,"
            " or none."
        )
    if not digits or abs(int(at) - time.time()) > TOLERANCE_SECONDS:
        return "webhook-timestamp is more than five minutes away from this server's clock."
    return ""


def _same(right: str, given: str) -> bool:
    # Bytes: compare_digest refuses text beyond ASCII, which a stranger may well send.
    return hmac.compare_digest(right.encode(), given.encode(errors="replace"))


def _not_made(name: str) -> str:
    return f"{name} is missing or not made with this project's hook secret."

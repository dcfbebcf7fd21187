"""The browsers that a person lets show messages."""

from __future__ import annotations

import base64
import binascii
import hashlib
from urllib.parse import urlsplit

from django.db import transaction

from accounts.models import User
from notifications.models import Browser
from notifications.services.texts import one_line

MOST_BROWSERS = 10
_KEY_BYTES, _AUTH_BYTES = 65, 16


class BrowserError(Exception):
    """Why a browser is not taken, as a sentence."""


def add_browser(user: User, *, endpoint: str, key: str, auth: str, name: str) -> Browser:
    """Take a subscription; the same browser again changes its keys. BrowserError where it is none."""
    _check(endpoint, key, auth)
    digest = hashlib.sha256(endpoint.encode()).hexdigest()
    values = {"user": user, "endpoint": endpoint, "key": key, "auth": auth, "name": one_line(name, 100) or "A browser"}
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if Browser.objects.filter(user=user).exclude(digest=digest).count() >= MOST_BROWSERS:
            raise BrowserError(f"You have {MOST_BROWSERS} browsers already: remove one first")
        browser, _ = Browser.objects.update_or_create(digest=digest, defaults=values)
    return browser


def _check(endpoint: str, key: str, auth: str) -> None:
    try:
        parts = urlsplit(endpoint)
        fits = (
            parts.scheme == "https"
            and bool(parts.hostname)
            and parts.port != 0
            and parts.username is None
            and " " not in endpoint
        )
    except ValueError:
        fits = False
    if not fits or len(endpoint) > 1000 or not endpoint.isascii() or not endpoint.isprintable():
        raise BrowserError("This is not the address of a push service")
    if len(_decoded(key)) != _KEY_BYTES or len(_decoded(auth)) != _AUTH_BYTES:
        raise BrowserError("The browser's keys are no keys")


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if text.isascii() and len(text) <= 200 else b""
    except (ValueError, binascii.Error):
        return b""

"""Slows down who guesses passwords: ten failures for one account from one address close the door for five minutes."""

from __future__ import annotations

import hashlib

from django.core.cache import cache

MOST_FAILURES = 10
CLOSED_SECONDS = 300


def is_closed(address: str, email: str) -> bool:
    """Whether `address` has failed too often for `email` to try again now."""
    failures: int = cache.get(_key(address, email), 0)
    return failures >= MOST_FAILURES


def note_failure(address: str, email: str) -> None:
    """Count one wrong password, or one for an account that is not there: no difference may be seen."""
    key = _key(address, email)
    cache.add(key, 0, CLOSED_SECONDS)
    try:
        cache.incr(key)
    except ValueError:  # it ran out between the two lines
        cache.add(key, 1, CLOSED_SECONDS)


def _key(address: str, email: str) -> str:
    return "attempts:" + hashlib.sha256(f"{address} {email.strip().lower()}".encode(errors="replace")).hexdigest()

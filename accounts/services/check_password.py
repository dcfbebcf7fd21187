"""Whether an e-mail address and a password belong together: the one way in for people, on pages and in the API."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.http import HttpRequest

from accounts.models import User
from accounts.services.attempts import is_closed, note_failure

CLOSED = "Too many attempts: try again in five minutes."


class TooManyAttemptsError(Exception):
    """The door is closed for some minutes, also for the right password."""


def check_password(email: str, password: str, *, address: str, request: HttpRequest | None = None) -> User | None:
    """The active user whose password this is, or None; TooManyAttemptsError after ten failures from `address`."""
    if is_closed(address, email):
        raise TooManyAttemptsError
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        note_failure(address, email)
        return None
    return user

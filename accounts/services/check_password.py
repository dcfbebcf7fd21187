"""Whether an e-mail address and a password belong together: the one way in for people, on pages and in the API."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth import authenticate
from django.http import HttpRequest

from accounts.models import User
from accounts.services.limits import give_back, take

CLOSED = "Too many attempts: try again in five minutes."
_SECONDS = 300


class TooManyAttemptsError(Exception):
    """The door is closed for some minutes, also for the right password."""


@dataclass(frozen=True)
class _Door:
    key: str
    most: int


def check_password(email: str, password: str, *, address: str, request: HttpRequest | None = None) -> User | None:
    """The active user whose password this is, or None.

    TooManyAttemptsError after ten failures for one account from one `address`, a hundred for one account from
    anywhere, or a hundred from one address, within five minutes.
    """
    doors = _doors(address, email.strip().lower())
    if not all(take(door.key, door.most, _SECONDS) for door in doors):
        raise TooManyAttemptsError
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        return None
    for door in doors:
        give_back(door.key)
    return user


def _doors(address: str, email: str) -> list[_Door]:
    return [
        _Door(f"log-in {address} {email}", 10),
        _Door(f"log-in account {email}", 100),
        _Door(f"log-in address {address}", 100),
    ]

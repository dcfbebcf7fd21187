"""Who asks: every page here is behind the log-in, so the person is always a user."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from accounts.models import User


def person(request: HttpRequest) -> User:
    """The user who is logged in."""
    return cast("User", request.user)

"""The invitation that somebody followed before they had an account: their session carries it to the sign-up."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.models import Invitation
from accounts.services.invitations import open_invitation

_KEY = "invitation"


def remember(request: HttpRequest, raw_token: str) -> None:
    """Note in the session that an invitation's link was followed: it opens the sign-up for its address."""
    request.session[_KEY] = raw_token


def forget(request: HttpRequest) -> None:
    """The invitation is accepted, or not wanted."""
    request.session.pop(_KEY, None)


def invitation_of(request: HttpRequest) -> Invitation | None:
    """The open invitation that the session carries."""
    raw_token = request.session.get(_KEY)
    return open_invitation(raw_token) if isinstance(raw_token, str) else None

"""The way in with a password, and the organisations of the token's person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from ninja.errors import AuthenticationError, HttpError

from accounts.models import Membership, User
from accounts.services.check_password import CLOSED, TooManyAttemptsError, check_password
from accounts.services.tokens import make_token
from accounts.services.two_factors import has_two_factors
from builds.access import RIGHTS, Right
from builds.api.auth import Asked, basic_in
from builds.api.schemas import Errors, LoggedIn, OrganizationPage, Unauthorized

router = Router(tags=["organisations"])

# CodeShip's words, which its clients know.
_TWO_FACTORS = "Your account has two-factor authentication enabled, which is not possible to support with the API."
_TOKEN_LIFE = timedelta(hours=1)
_MOST_ORGANIZATIONS = 500


@router.post(
    "/auth", auth=None, response={200: LoggedIn, 401: Unauthorized, 403: Errors, 429: Errors}, operation_id="log_in"
)
def log_in(request: HttpRequest) -> dict[str, Any]:
    """Log in with HTTP Basic (e-mail address and password) and get a token for an hour."""
    basic = basic_in(request)
    if basic is None:
        raise AuthenticationError
    try:
        user = check_password(*basic, address=request.META.get("REMOTE_ADDR", ""), request=request)
    except TooManyAttemptsError:
        raise HttpError(429, CLOSED) from None
    if user is None:
        raise AuthenticationError
    if has_two_factors(user):
        raise HttpError(403, _TWO_FACTORS)
    expires_at = timezone.now() + _TOKEN_LIFE
    _, raw = make_token(user, "API log-in", expires_at)
    return {
        "access_token": raw,
        "expires_at": int(expires_at.timestamp()),
        # CodeShip's own client looks for names in lower case here.
        "organizations": [{**one, "name": one["name"].lower()} for one in _organizations(user)],
    }


@router.get("/organizations", response=OrganizationPage, operation_id="list_organizations")
def list_organizations(request: Asked) -> dict[str, Any]:
    """The organisations of the token's person, and what they may do there."""
    return {"organizations": [one for one in _organizations(request.auth) if request.token.opens(one["uuid"])]}


def _organizations(user: User) -> list[dict[str, Any]]:
    memberships = Membership.objects.filter(user=user).select_related("organization").order_by("organization__name")
    return [
        {
            "uuid": membership.organization.uuid,
            "name": membership.organization.name,
            "scopes": _scopes(membership.role),
        }
        for membership in memberships[:_MOST_ORGANIZATIONS]
    ]


def _scopes(role: str) -> list[str]:
    """CodeShip's words for what a role may do."""
    writes = {Right.CHANGE_PROJECT: "project.write", Right.RESTART_BUILD: "build.write"}
    return ["project.read", "build.read", *(scope for right, scope in writes.items() if right in RIGHTS[role])]

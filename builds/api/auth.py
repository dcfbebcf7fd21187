"""Who asks, and whether their token is good for it: tokens in the Authorization header, never cookies, so that no other
site can ask in a person's name."""

from __future__ import annotations

import base64
import binascii
from copy import copy
from functools import partial
from typing import Self

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from ninja.security.base import AuthBase

from accounts.models import User
from accounts.services.tokens import KnownToken, known_token
from builds.api.rate import check_rate
from builds.api.scopes import SCOPES, WITHOUT_ORGANIZATION
from builds.logs.hub import in_thread


class Asked(HttpRequest):
    """A request that a token let in."""

    auth: User
    token: KnownToken


class TokenAuth(AuthBase):
    """`Bearer <token>`, and as CodeShip's clients send it: `token <token>`, or the bare token."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_name = "token"
    operation_id = ""  # "" = closed to tokens with limits

    def __call__(self, request: HttpRequest) -> User | None:
        """The token's user, or None. PermissionDenied and Http404 where the token is not good for it."""
        return self._let_in(request, _known(token_in(request)))

    def of(self, operation_id: str) -> Self:
        """The same for one operation, whose scope the token must have."""
        new = copy(self)
        new.operation_id = operation_id
        return new

    def _let_in(self, request: HttpRequest, token: KnownToken | None) -> User | None:
        if token is None:
            return None
        check_token(token, self.operation_id, request)
        request.token = token  # type: ignore[attr-defined]
        return token.user


class AsyncTokenAuth(TokenAuth):
    """The same for async operations, which may last: the database connection is given back at once."""

    async def __call__(self, request: HttpRequest) -> User | None:  # type: ignore[override]
        """The token's user, or None."""
        return self._let_in(request, await in_thread(partial(_known, token_in(request))))


def _known(raw: str) -> KnownToken | None:
    """The token, counted; RateLimitError where it asked too often."""
    token = known_token(raw)
    if token is not None:
        check_rate(token)
    return token


def check_token(token: KnownToken, operation_id: str, request: HttpRequest) -> None:
    """Go on only where `token` is good for the operation: PermissionDenied without its scope, Http404 where the address
    names another organisation than the token's."""
    match = request.resolver_match
    organization = None if match is None else match.kwargs.get("organization_uuid")
    if organization is not None and not token.opens(organization):
        raise Http404
    if organization is None and token.organization is not None and operation_id not in WITHOUT_ORGANIZATION:
        raise PermissionDenied("This token is for one organisation alone.")
    if operation_id not in SCOPES and token.scopes is not None:
        raise PermissionDenied("This needs a token without limits: make one on your account page.")
    scope = SCOPES.get(operation_id)
    if not token.allows(scope):
        raise PermissionDenied(f"This token lacks the scope {scope}: make one that has it on your account page.")


def token_in(request: HttpRequest) -> str:
    """The token in the header, "" where there is none."""
    scheme, _, rest = request.headers.get("Authorization", "").strip().partition(" ")
    if not rest:
        return scheme
    return rest.strip() if scheme.lower() in {"bearer", "token"} else ""


def basic_in(request: HttpRequest) -> tuple[str, str] | None:
    """E-mail address and password of HTTP Basic; None where the header is missing or malformed."""
    scheme, _, encoded = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        email, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (email, password) if colon and "\0" not in email else None

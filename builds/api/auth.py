"""Who asks: API tokens in the Authorization header, never cookies, so that no other site can ask in a person's name."""

from __future__ import annotations

import base64
import binascii
from functools import partial

from django.http import HttpRequest
from ninja.security.base import AuthBase

from accounts.models import User
from accounts.services.tokens import user_of_token
from builds.logs.hub import in_thread


class Asked(HttpRequest):
    """A request that a token let in."""

    auth: User


class TokenAuth(AuthBase):
    """`Bearer <token>`, and as CodeShip's clients send it: `token <token>`, or the bare token."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_name = "token"

    def __call__(self, request: HttpRequest) -> User | None:
        """The token's user, or None."""
        return user_of_token(token_in(request))


class AsyncTokenAuth(TokenAuth):
    """The same for async operations, which may last: the database connection is given back at once."""

    async def __call__(self, request: HttpRequest) -> User | None:  # type: ignore[override]
        """The token's user, or None."""
        return await in_thread(partial(user_of_token, token_in(request)))


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

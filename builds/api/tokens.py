"""A person's own API tokens: list, make, revoke. None can be made that is good for more than the one that asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from ninja import Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from accounts.models import ApiToken, Organization
from accounts.scopes import Scope, known_scopes
from accounts.services.tokens import KnownToken, make_token, revoke_token, tokens_of
from builds.access import organization_or_404
from builds.api.auth import Asked
from builds.api.schemas import Errors

router = Router(tags=["tokens"])
_REFUSALS = {400: Errors, 403: Errors, 404: Errors}
_MOST_DAYS = 3650


class TokenOut(Schema):
    """A token, without its text."""

    id: int
    name: str
    prefix: str = Field(description="Its first characters, to tell tokens apart.")
    scopes: list[str] | None = Field(description="What it may be used for; null = all that its person may.")
    organization_uuid: UUID | None = Field(description="The only one that it opens; null = all of its person's.")
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class TokenMade(TokenOut):
    """A new token, with its text, which only this answer shows."""

    token: str


class OneTokenMade(Schema):
    """A new token."""

    token: TokenMade


class TokenList(Schema):
    """The tokens that still work, the newest first."""

    tokens: list[TokenOut]


class TokenIn(Schema):
    """What a token is to be good for."""

    name: str = Field(min_length=1, max_length=100)
    scopes: list[Scope] | None = Field(None, max_length=50, description="Default: those of the token that asks.")
    organization_uuid: UUID | None = Field(None, description="The only one that it opens.")
    days: int | None = Field(90, ge=1, le=_MOST_DAYS, description="How long it works; null = until it is revoked.")


class Person(Schema):
    """Whose token it is."""

    email: str
    name: str


class TokenUsed(Schema):
    """The token that asks, and whose it is."""

    person: Person
    scopes: list[str] | None = Field(description="null = all that its person may.")
    organization_uuid: UUID | None
    expires_at: datetime | None


@router.get("/token", response=TokenUsed, operation_id="show_token_used")
def show_token_used(request: Asked) -> dict[str, Any]:
    """Who asks, and what their token is good for."""
    token, user = request.token, request.auth
    return {
        "person": {"email": user.email, "name": user.name},
        "scopes": None if token.scopes is None else known_scopes(token.scopes & set(Scope.values)),
        "organization_uuid": token.organization,
        "expires_at": token.expires_at,
    }


@router.get("/tokens", response={200: TokenList, 403: Errors}, operation_id="list_tokens")
def list_tokens(request: Asked) -> dict[str, Any]:
    """One's own tokens."""
    return {"tokens": [_shape(token) for token in tokens_of(request.auth)]}


@router.post("/tokens", response={201: OneTokenMade, **_REFUSALS}, operation_id="create_token")
def create_token(request: Asked, asked: TokenIn) -> Status[dict[str, Any]]:
    """Make a token; its text is in this answer and in no other."""
    scopes = _scopes(request.token, asked.scopes)
    organization = _organization(request, asked.organization_uuid)
    expires_at = _expiry(request.token, asked.days)
    if "\0" in asked.name:
        raise HttpError(400, "name: give one that can be printed.")
    token, raw = make_token(request.auth, asked.name, expires_at, scopes=scopes, organization=organization)
    return Status(201, {"token": {**_shape(token), "token": raw}})


@router.delete("/tokens/{api_token_id}", response={204: None, **_REFUSALS}, operation_id="revoke_token")
def revoke(request: Asked, api_token_id: int) -> Status[None]:
    """End one of one's own tokens, also the one that asks."""
    if not 0 < api_token_id < 2**63 or not revoke_token(request.auth, api_token_id):
        raise Http404
    return Status(204, None)


def _scopes(asking: KnownToken, wanted: Iterable[str] | None) -> list[str] | None:
    if wanted is None:
        return None if asking.scopes is None else sorted(asking.scopes)
    missing = [str(scope) for scope in wanted if not asking.allows(scope)]
    if missing:
        raise HttpError(403, f"This token lacks the scope {missing[0]} and can make none that has it.")
    return [str(scope) for scope in wanted]


def _organization(request: Asked, uuid: UUID | None) -> Organization | None:
    only = request.token.organization
    if only is not None and uuid not in {None, only}:
        raise Http404
    wanted = uuid or only
    return None if wanted is None else organization_or_404(request.auth, wanted)


def _expiry(asking: KnownToken, days: int | None) -> datetime | None:
    wanted = None if days is None else timezone.now() + timedelta(days=days)
    limit = asking.expires_at
    if limit is not None and asking.scopes is not None and (wanted is None or wanted > limit):
        raise HttpError(403, "A token with scopes can make none that outlives it: give fewer days.")
    return wanted


def _shape(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.pk,
        "name": token.name,
        "prefix": token.prefix,
        "scopes": token.scopes,
        "organization_uuid": token.organization.uuid if token.organization else None,
        "created_at": token.created_at,
        "last_used_at": token.last_used_at,
        "expires_at": token.expires_at,
    }

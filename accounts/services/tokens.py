"""API tokens: 256 random bits that a person sees once; the database knows their SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.compiled import Compiled
from accounts.models import ApiToken, Organization, User
from accounts.scopes import known_scopes
from accounts.services.audit import record

PREFIX = "cis_"
_PREFIX_SHOWN = 12
_TOKENS_SHOWN = 200
_NOTE_USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class KnownToken:
    """A token that lets somebody in, and what for."""

    pk: int
    user: User
    scopes: frozenset[str] | None = None  # None = everything that the person may
    organization: UUID | None = None  # the only one that it opens; None = all of the person's
    expires_at: datetime | None = None

    def allows(self, scope: str | None) -> bool:
        """Whether it is good for what asks for `scope`; None asks for nothing but a person."""
        return scope is None or self.scopes is None or scope in self.scopes

    def opens(self, organization: UUID | str) -> bool:
        """Whether it sees anything of that organisation; an address may have it as text."""
        return self.organization is None or str(self.organization) == str(organization).lower()


def make_token(
    user: User,
    name: str,
    expires_at: datetime | None = None,
    *,
    scopes: Iterable[str] | None = None,
    organization: Organization | None = None,
) -> tuple[ApiToken, str]:
    """A new token of `user` and its text, which nobody can read again. `scopes`: None = all; ValueError names a wrong one."""
    raw = PREFIX + secrets.token_urlsafe(32)
    limits = None if scopes is None else known_scopes(scopes)
    with transaction.atomic():
        ApiToken.objects.filter(user=user, expires_at__lt=timezone.now()).delete()
        token = ApiToken.objects.create(
            user=user,
            name=name[:100],
            prefix=raw[:_PREFIX_SHOWN],
            digest=_digest(raw),
            expires_at=expires_at,
            scopes=limits,
            organization=organization,
        )
        details = {"prefix": token.prefix, **({} if limits is None else {"scopes": limits})}
        record("token.made", token.name, user=user, organization=organization, details=details)
    return token, raw


def revoke_token(user: User, token_id: int) -> bool:
    """End one of the user's own tokens; False where they have no such token."""
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().filter(user=user, pk=token_id).first()
        if token is None:
            return False
        token.delete()
        record("token.revoked", token.name, user=user, details={"prefix": token.prefix})
    return True


def tokens_of(user: User) -> list[ApiToken]:
    """The tokens of `user` that still work, the newest first."""
    works = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    tokens = ApiToken.objects.filter(works, user=user).select_related("organization")
    return list(tokens.order_by("-pk")[:_TOKENS_SHOWN])


def user_of_token(raw: str) -> User | None:
    """Whose token this is, whatever it is good for; None as with `known_token`."""
    token = known_token(raw)
    return None if token is None else token.user


def known_token(raw: str) -> KnownToken | None:
    """The token; None where it is unknown, expired or revoked, or its person is not active any more. One query.

    The look-up is by digest, so that the time it takes says nothing about the tokens that exist.
    """
    if not raw.startswith(PREFIX):
        return None
    now = timezone.now()
    for key, used_at, expires_at, scopes, organization, *columns in _BY_DIGEST.rows(_digest(raw)):
        user = User.from_db(connection.alias, _user_columns(), columns)
        if user.is_active and (expires_at is None or expires_at > now):
            _note_use(key, used_at, now)
            return KnownToken(
                pk=key,
                user=user,
                scopes=None if scopes is None else frozenset(scopes),
                organization=organization,
                expires_at=expires_at,
            )
    return None


def _user_columns() -> list[str]:
    return [field.attname for field in User._meta.concrete_fields]


_BY_DIGEST = Compiled(
    lambda digest: ApiToken.objects.filter(digest=digest).values_list(
        *("pk", "last_used_at", "expires_at", "scopes", "organization__uuid"),
        *(f"user__{name}" for name in _user_columns()),
    ),
    "digest",
)


def _note_use(token_id: int, used_at: datetime | None, now: datetime) -> None:
    """Remember that it was used, at most once a minute: reading must not mean writing."""
    before = now - _NOTE_USE_EVERY
    if used_at is None or used_at < before:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=before)
        ApiToken.objects.filter(stale, pk=token_id).update(last_used_at=now)


def _digest(raw: str) -> str:
    return hashlib.sha256(raw.encode(errors="surrogatepass")).hexdigest()

"""API tokens: 256 random bits that a person sees once; the database knows their SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.compiled import Compiled
from accounts.models import ApiToken, User
from accounts.services.audit import record

PREFIX = "cis_"
_PREFIX_SHOWN = 12
_TOKENS_SHOWN = 200
_NOTE_USE_EVERY = timedelta(minutes=1)


def make_token(user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """A new token of `user` and its text, which nobody can read again."""
    raw = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        ApiToken.objects.filter(user=user, expires_at__lt=timezone.now()).delete()
        token = ApiToken.objects.create(
            user=user, name=name[:100], prefix=raw[:_PREFIX_SHOWN], digest=_digest(raw), expires_at=expires_at
        )
        record("token.made", token.name, user=user, details={"prefix": token.prefix})
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
    return list(ApiToken.objects.filter(works, user=user).order_by("-pk")[:_TOKENS_SHOWN])


def user_of_token(raw: str) -> User | None:
    """Whose token this is; None where it is unknown, expired or revoked, or its person is not active any more.

    The look-up is by digest, so that the time it takes says nothing about the tokens that exist.
    """
    if not raw.startswith(PREFIX):
        return None
    now = timezone.now()
    for key, used_at, expires_at, *columns in _BY_DIGEST.rows(_digest(raw)):
        user = User.from_db(connection.alias, _user_columns(), columns)
        if user.is_active and (expires_at is None or expires_at > now):
            _note_use(key, used_at, now)
            return user
    return None


def _user_columns() -> list[str]:
    return [field.attname for field in User._meta.concrete_fields]


_BY_DIGEST = Compiled(
    lambda digest: ApiToken.objects.filter(digest=digest).values_list(
        "pk", "last_used_at", "expires_at", *(f"user__{name}" for name in _user_columns())
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

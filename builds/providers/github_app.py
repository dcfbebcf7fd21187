"""Tokens of a GitHub App's installation: asked for with a signed word of ours, good for an hour, kept in memory."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt

from builds.providers.contract import Access
from builds.providers.errors import Missing, Unauthorized
from builds.providers.reading import text
from builds.providers.rest import Rest, part

# GitHub takes no word that is good for more than ten minutes; a minute is for clocks that go differently.
_CLOCKS = timedelta(minutes=1)
_WORD_LASTS = timedelta(minutes=8)
_FRESH = timedelta(minutes=5)

_tokens: dict[str, tuple[str, datetime]] = {}
_lock = threading.Lock()


def signed_word(access: Access, now: datetime) -> str:
    """A JSON web token by which the App shows that it has its key."""
    claims = {"iat": now - _CLOCKS, "exp": now + _WORD_LASTS, "iss": access.app_id}
    try:
        return jwt.encode(claims, access.app_key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Unauthorized("The App's private key is not one: paste the whole .pem file that GitHub gave.") from None


def app_rest(host: str, api: str, access: Access) -> Rest:
    """Calls as the App itself."""

    def headers() -> dict[str, str]:
        return {
            "Authorization": f"Bearer {signed_word(access, datetime.now(UTC))}",
            "Accept": "application/vnd.github+json",
        }

    return Rest(host, api, headers, lambda: (access.app_key,))


class InstallationToken:
    """The installation's token, made anew when the one before it ends within minutes. Threads may share it."""

    def __init__(self, access: Access, ask: Callable[[], Rest]) -> None:
        self._access = access
        self._ask = ask
        whose = "\n".join((access.url, access.app_id, access.installation_id, access.app_key))
        self._place = hashlib.sha256(whose.encode()).hexdigest()

    def __call__(self) -> str:
        """The token."""
        with _lock:
            token, ends = _tokens.get(self._place, ("", datetime.min.replace(tzinfo=UTC)))
        if ends > datetime.now(UTC) + _FRESH:
            return token
        token, ends = self._new()
        with _lock:
            if len(_tokens) > 1000:
                _tokens.clear()
            _tokens[self._place] = (token, ends)
        return token

    def known(self) -> str:
        """The token that is in use; "" = none is."""
        with _lock:
            return _tokens.get(self._place, ("",))[0]

    def renew(self) -> bool:
        """It was refused: the next one is new. False where there was none."""
        with _lock:
            return _tokens.pop(self._place, None) is not None

    def _new(self) -> tuple[str, datetime]:
        path = f"/app/installations/{part(self._access.installation_id)}/access_tokens"
        try:
            answer = self._ask().send("POST", path, None)
        except Missing:
            raise Unauthorized(
                "GitHub knows no such installation of the App: install it again, and connect anew."
            ) from None
        return text(answer, "token"), _moment(text(answer, "expires_at"))


def _moment(written: str) -> datetime:
    now = datetime.now(UTC)
    try:
        told = datetime.fromisoformat(written)
    except ValueError:
        return now
    return min(told if told.tzinfo else told.replace(tzinfo=UTC), now + timedelta(hours=1))

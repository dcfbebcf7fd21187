"""Let a machine join as a runner: a token, good once and for an hour, is exchanged for what a runner needs.

A runner reads the database and opens secrets, so what it is given is as good as the instance itself: only administrators
make tokens (docs/decisions/0010-a-runner-reads-the-rows.md). SECRET_KEY is not among it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import quote, urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.models import Organization, User
from accounts.services.audit import record
from builds.models import JoinToken, Runner
from builds.models.runner import Serves
from builds.services.health import is_alive
from builds.services.texts import storable

PREFIX = "cij_"
LIFE = timedelta(hours=1)
_LONGEST_NAME = 200


class JoinError(Exception):
    """The machine may not join; the text is a sentence for who typed the command."""


@dataclass(frozen=True, kw_only=True)
class Joined:
    """What the machine is told: environment variables, some of them secret."""

    name: str
    settings: dict[str, str]


def make_join_token(user: User, *, organization: Organization | None, serves: Serves) -> str:
    """The text of a new token, which nobody can read again. JoinError where machines could not reach what they need."""
    if found := out_of_reach():
        raise JoinError(found)
    raw = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = JoinToken.objects.create(
            digest=_digest(raw), organization=organization, serves=serves, made_by=user, expires_at=Now() + LIFE
        )
        details = {"token": str(token.uuid), "serves": str(serves)}
        record("runner.join_token_made", str(serves), user=user, organization=organization, details=details)
    return raw


def revoke_join_token(uuid: UUID, *, user: User) -> bool:
    """End a token that was not used. False: it is not there, or can do nothing any more."""
    with transaction.atomic():
        token = open_tokens().select_for_update(of=("self",)).filter(uuid=uuid).first()
        if token is None:
            return False
        JoinToken.objects.filter(pk=token.pk).update(revoked_at=Now())
        record("runner.join_token_revoked", token.serves, user=user, details={"token": str(uuid)})
    return True


def open_tokens() -> QuerySet[JoinToken]:
    """Those that a machine could still join with, the newest first."""
    usable = JoinToken.objects.filter(used_at=None, revoked_at=None, expires_at__gt=Now())
    return usable.select_related("organization", "made_by").order_by("-pk")


def join(raw: str, name: str) -> Joined:
    """Use the token for a runner of this name. JoinError where it is no good, or the name is taken; then it stays unused."""
    name = storable(name.strip(), _LONGEST_NAME)
    if not name or not name.isprintable():
        raise JoinError("Give the runner a name: --name build-1")
    with transaction.atomic():
        token = open_tokens().select_for_update(of=("self",)).filter(digest=_digest(raw)).first()
        if token is None:
            raise JoinError(
                "This token is not good, or not any more: it is used once, within an hour. Ask for another."
            )
        _check_name(name)
        JoinToken.objects.filter(pk=token.pk).update(used_at=Now(), used_by=name)
        details = {"token": str(token.uuid), "serves": token.serves}
        record("runner.joined", name, user=token.made_by, organization=token.organization, details=details)
    return Joined(name=name, settings={"RUNNER_NAME": name, **_needed(token)})


def out_of_reach() -> str:
    """Why a runner on another machine could not work with this instance; "" where nothing is known to be in its way."""
    if not settings.RUNNER_DATABASE_URL and str(settings.DATABASES["default"]["ENGINE"]).endswith("sqlite3"):
        return "This instance keeps its rows in a file, which other machines cannot reach: runners elsewhere need PostgreSQL."
    for name, url in (("RUNNER_DATABASE_URL", _database_url()), ("RUNNER_REDIS_URL", _redis_url())):
        if _is_local(url):
            return (
                f"Other machines cannot reach the address that this one uses itself: set {name} to one that they can "
                "(docs/runners.md), and start the web again."
            )
    return ""


def _check_name(name: str) -> None:
    known = Runner.objects.filter(name=name).first()
    if known is not None and known.revoked_at is not None:
        raise JoinError(
            f"The runner {name} was revoked: forget it on the page of runners first, or choose another --name."
        )
    if known is not None and is_alive(known):
        raise JoinError(f"A runner called {name} is alive already: choose another --name.")


def _needed(token: JoinToken) -> dict[str, str]:
    """Exactly what `ciservice runner` reads on a machine of its own."""
    keys = list(settings.SEALING_KEYS)
    limits = {
        "LEASE_SECONDS": settings.LEASE_SECONDS,
        "BUILD_TIMEOUT_SECONDS": settings.BUILD_TIMEOUT_SECONDS,
        "SILENCE_TIMEOUT_SECONDS": settings.SILENCE_TIMEOUT_SECONDS,
        "LOG_CAP_MB": settings.LOG_CAP_BYTES // 1024**2,
        "CACHE_MB": settings.CACHE_BYTES // 1024**2,
    }
    found = {
        "CISERVICE_MODE": settings.MODE,
        "PUBLIC_URL": settings.PUBLIC_URL,
        "DATABASE_URL": _database_url(),
        "REDIS_URL": _redis_url(),
        "SEALING_KEY": keys[0],
        "OLD_SEALING_KEYS": ",".join(keys[1:]),
        "INSTANCE": settings.INSTANCE,
        "RECORD_KEY": settings.RECORD_KEY,
        "STORAGE_DIR": settings.STORAGE_DIR,
        "DEFAULT_IMAGE": settings.DEFAULT_IMAGE,
        "GIT_ALLOWED_HOSTS": ",".join(settings.GIT_ALLOWED_HOSTS),
        "TARGET_ALLOWED_HOSTS": ",".join(settings.TARGET_ALLOWED_HOSTS),
        "RUNNER_SERVES": token.serves,
        "RUNNER_ORGANIZATION": str(token.organization.uuid) if token.organization else "",
        **{name: str(value) for name, value in limits.items()},
    }
    return {name: value for name, value in found.items() if value}


def _database_url() -> str:
    if settings.RUNNER_DATABASE_URL:
        return str(settings.RUNNER_DATABASE_URL)
    own = settings.DATABASES["default"]
    user, password, host = (quote(str(own.get(part) or ""), safe="") for part in ("USER", "PASSWORD", "HOST"))
    port = f":{own['PORT']}" if own.get("PORT") else ""
    return f"postgres://{user}{f':{password}' if password else ''}@{host}{port}/{quote(str(own['NAME']), safe='')}"


def _redis_url() -> str:
    return str(settings.RUNNER_REDIS_URL or settings.REDIS_URL)


def _is_local(url: str) -> bool:
    """Whether only this machine can mean it: a Unix socket, or loopback."""
    host = urlsplit(url).hostname or ""
    if not host or host.startswith("%2f") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _digest(raw: str) -> str:
    return hashlib.sha256(raw.encode(errors="surrogatepass")).hexdigest()

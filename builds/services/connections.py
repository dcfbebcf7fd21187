"""An organisation's ways to git hosts: added, replaced, checked and removed; each with its entry in the audit log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization, User
from accounts.services.audit import record
from builds.models import Connection
from builds.models.connection import Provider
from builds.outbound import outbox
from builds.providers.contract import Access, Account
from builds.providers.errors import ProviderError, Unavailable
from builds.providers.make import host_by, host_of
from builds.services import host_calls

KIND = "connection_check"
EVERY = timedelta(days=1)
SOON = timedelta(days=7)
WEB_ADDRESSES = {
    Provider.GITHUB: "https://github.com",
    Provider.GITLAB: "https://gitlab.com",
    Provider.BITBUCKET: "https://bitbucket.org/your-workspace",
}
_LONGEST_TOKEN = 2000
_LONGEST_KEY = 10_000


class ConnectionError(ValueError):
    """The connection cannot be made like this; the text says why, for people. `field` is the input at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Credentials:
    """What lets us in: a token, or an App of GitHub's."""

    token: str = field(default="", repr=False)
    app_id: str = ""
    app_key: str = field(default="", repr=False)
    installation_id: str = ""


def add_connection(
    organization: Organization, provider: str, url: str, credentials: Credentials, *, who: User
) -> Connection:
    """A new way in, which worked just now; ConnectionError where it does not."""
    access = _access(provider, url, credentials)
    account = _checked(access)
    with transaction.atomic():
        connection = Connection(organization=organization, provider=provider, url=access.url, created_by=who)
        _fill(connection, access, account)
        connection.save()
        _note(connection, "connection.added", who)
    return connection


def replace_credentials(connection: Connection, credentials: Credentials, *, who: User) -> None:
    """Another token for the same host; the one before it is forgotten."""
    access = _access(connection.provider, connection.url, credentials)
    account = _checked(access)
    with transaction.atomic():
        _fill(connection, access, account)
        connection.save()
        _note(connection, "connection.replaced", who)


def remove_connection(connection: Connection, *, who: User) -> None:
    """Forget the way in; refused while projects need it, for nobody could remove then what was made with it."""
    with transaction.atomic():
        held = Connection.objects.select_for_update().get(pk=connection.pk)
        names = list(held.projects.order_by("name").values_list("name", flat=True)[:5])
        if names:
            raise ConnectionError("connection", f"{', '.join(names)} need it: disconnect them first.")
        _note(held, "connection.removed", who)
        held.delete()


def check(connection: Connection) -> None:
    """Ask the host whether it still lets us in, and keep what it says. Unavailable: it could not be asked."""
    try:
        account = host_of(connection).whoami()
    except Unavailable:
        raise
    except ProviderError as error:
        _keep(connection, problem=str(error))
    else:
        _keep(connection, account=account.name[:200], expires_at=account.expires_at, problem="")


def check_now(connection: Connection) -> None:
    """The same at a person's wish: a host that is away is a problem, too."""
    try:
        check(connection)
    except Unavailable as error:
        _keep(connection, problem=str(error))


def check_what_is_due() -> int:
    """Have those checked by the outbox that were not today; how many."""
    now = timezone.now()
    due = Connection.objects.filter(Q(checked_at=None) | Q(checked_at__lt=now - EVERY)).select_related("organization")
    for connection in due.defer("token", "app_key")[:200]:
        outbox.put(
            KIND,
            f"{KIND}:{connection.pk}:{now:%Y%m%d%H}",
            {"connection": connection.pk},
            lane=f"{KIND}:{connection.pk}",
            owner=f"organization:{connection.organization.uuid}",
        )
    return len(due)


@outbox.handles(KIND)
def deliver(payload: dict[str, int]) -> None:
    """Check one connection."""
    connection = Connection.objects.filter(pk=payload["connection"]).first()
    if connection is None:
        return
    with host_calls.calling(connection):
        check(connection)


def ends_soon(connection: Connection) -> bool:
    """Whether its token ends within a week."""
    return connection.expires_at is not None and connection.expires_at < timezone.now() + SOON


def _access(provider: str, url: str, credentials: Credentials) -> Access:
    if provider not in Provider.values or provider == Provider.GENERIC:
        raise ConnectionError("provider", "Choose where the repositories live.")
    return Access(
        provider=provider,
        url=_url(provider, url),
        token=_plain("token", credentials.token, _LONGEST_TOKEN),
        app_id=_number("app_id", credentials.app_id) if credentials.app_id else "",
        app_key=_key(credentials) if credentials.app_id else "",
        installation_id=_number("installation_id", credentials.installation_id) if credentials.app_id else "",
    )


def _url(provider: str, typed: str) -> str:
    """The host's address, without what does not belong there."""
    typed = typed.strip().rstrip("/") or WEB_ADDRESSES.get(Provider(provider), "")
    try:
        parts = urlsplit(typed)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConnectionError("url", "This is not an address.") from None
    if parts.scheme not in {"https", "http"} or not host or parts.username or parts.query or parts.fragment:
        raise ConnectionError("url", "Give the host's address, such as https://git.example.com.")
    named = {host, f"{host}:{port or 80}"}
    if parts.scheme == "http" and not named & set(settings.OUTBOUND_ALLOWED_HOSTS):
        raise ConnectionError("url", "A token is sent over https:// only.")
    if len(typed) > 300 or not typed.isprintable() or " " in typed:
        raise ConnectionError("url", "Give the host's address, such as https://git.example.com.")
    return typed


def _plain(name: str, typed: str, most: int) -> str:
    """What goes into a header: nothing but visible ASCII."""
    typed = typed.strip()
    if len(typed) > most or not all("!" <= letter <= "~" for letter in typed):
        raise ConnectionError(name, "This is not a token: paste it as the host shows it, without spaces.")
    return typed


def _number(name: str, typed: str) -> str:
    typed = typed.strip()
    if not (typed.isascii() and typed.isalnum() and len(typed) <= 40):
        raise ConnectionError(name, "Give the number that GitHub shows.")
    return typed


def _key(credentials: Credentials) -> str:
    key = credentials.app_key.strip().replace("\r\n", "\n")
    if not key.startswith("-----BEGIN") or len(key) > _LONGEST_KEY:
        raise ConnectionError("app_key", "Paste the whole .pem file that GitHub gave.")
    return key + "\n"


def _checked(access: Access) -> Account:
    if not access.token and not access.app_id:
        raise ConnectionError("token", "Give a token, or a GitHub App.")
    if access.app_id and access.provider != Provider.GITHUB:
        raise ConnectionError("app_id", "Only GitHub has Apps: give a token.")
    try:
        return host_by(access if access.app_id else replace(access, app_id="")).whoami()
    except ProviderError as error:
        at = "url" if isinstance(error, Unavailable) else "app_key" if access.app_id else "token"
        raise ConnectionError(at, str(error)) from None


def _fill(connection: Connection, access: Access, account: Account) -> None:
    connection.token = "" if access.app_id else access.token
    connection.app_id, connection.app_key = access.app_id, access.app_key
    connection.installation_id = access.installation_id
    connection.account, connection.expires_at = account.name[:200], account.expires_at
    connection.problem, connection.checked_at, connection.quiet_until = "", timezone.now(), None


def _keep(connection: Connection, **values: object) -> None:
    Connection.objects.filter(pk=connection.pk).update(checked_at=timezone.now(), **values)


def _note(connection: Connection, action: str, who: User) -> None:
    details = {"provider": connection.provider, "account": connection.account, "uuid": str(connection.uuid)}
    record(action, connection.url, user=who, organization=connection.organization, details=details)

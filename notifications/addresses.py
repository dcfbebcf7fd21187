"""Full addresses of pages of this app, for messages."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

_SALT = "notifications.unsubscribe"


def rules_url(project_uuid: UUID | str) -> str:
    """Where people see and change what a project tells."""
    return settings.PUBLIC_URL + reverse("notifications", args=[project_uuid])


def wishes_url() -> str:
    """Where people say what they wish to hear themselves."""
    return settings.PUBLIC_URL + reverse("wishes")


def unsubscribe_url(address: str, project_uuid: UUID | str | None) -> str:
    """Where whoever holds this mail takes its address off: of a project, or, with None, of the digest. It never ends."""
    token = signing.dumps([address.lower(), str(project_uuid or "")], salt=_SALT)
    return settings.PUBLIC_URL + reverse("unsubscribe", args=[token])


def read_unsubscribing(token: str) -> tuple[str, str] | None:
    """The address and the project's uuid ("" = the digest) that `unsubscribe_url` was given; None where it is not ours."""
    try:
        address, project_uuid = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return None
    return str(address), str(project_uuid)

"""Calls to a project's git host from the outbox: what it refuses becomes a sentence on the project's page, or a later try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db.models import F

from builds.models import Project
from builds.models.connection import Connection
from builds.outbound.errors import DeliveryError
from builds.providers.contract import GitHost
from builds.providers.errors import Forbidden, Missing, ProviderError, RateLimited, Unauthorized, Unavailable
from builds.providers.make import host_of


def connected(project_pk: int) -> Project | None:
    """The project, with connection and organisation, where it has a repository at a git host."""
    projects = Project.objects.select_related("connection", "organization").filter(pk=project_pk)
    # A token is used for the projects of its own organisation alone, whatever a row says.
    return projects.filter(connection__organization=F("organization")).exclude(repository_id="").first()


@contextmanager
def calling(connection: Connection) -> Iterator[GitHost]:
    """The host, for a delivery of the outbox: what is worth another try becomes a DeliveryError that says when."""
    quiet = connection.quiet_until
    if quiet is not None and quiet > datetime.now(UTC):
        raise DeliveryError(f"The git host wants no calls before {quiet:%H:%M:%S} UTC.", until=quiet)
    try:
        yield host_of(connection)
    except RateLimited as error:
        # The limit is that of the token: all projects that use it wait.
        Connection.objects.filter(pk=connection.pk).update(quiet_until=error.until)
        raise DeliveryError(str(error), until=error.until) from None
    except Unavailable as error:
        raise DeliveryError(str(error)) from None


def remedy(error: ProviderError, connection: Connection) -> str:
    """What happened, and who has to do what, as one or two sentences for the project's page."""
    for kind, what in _REMEDIES:
        if isinstance(error, kind):
            return f"{error} {what(connection)}"
    return str(error)


_REMEDIES: list[tuple[type[ProviderError], Callable[[Connection], str]]] = [
    (
        Unauthorized,
        lambda connection: f"Make a new token at {connection.url} and put it under the organisation's connections.",
    ),
    (
        Forbidden,
        lambda connection: (
            f"Somebody who administers the repository gives {connection.account or 'the token'} that right."
        ),
    ),
    (Missing, lambda _: "Look whether the repository still exists and whether the token may see it; then try again."),
]

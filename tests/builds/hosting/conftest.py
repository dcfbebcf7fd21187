"""An organisation that is connected to a stand-in of a git host, and a project that is tied to a repository there."""

from __future__ import annotations

import pytest

from builds.models import Connection, OutboxEntry, OutboxLane, Project
from builds.models.outbox import OutboxState
from builds.outbound import outbox
from builds.services.create_project import new_key_pair
from tests.builds.providers.conftest import HOSTS, access_to, start
from tests.builds.providers.standin_github import GitHubStandIn

__all__ = ["start"]


@pytest.fixture
def standin(start):
    """GitHub, where one is enough."""
    return start(GitHubStandIn)


@pytest.fixture(params=HOSTS, ids=lambda kind: kind.__name__.removesuffix("StandIn"))
def any_standin(request, start):
    """Each of the hosts in turn."""
    return start(request.param)


def connection_to(standin, organization) -> Connection:
    access = access_to(standin)
    return Connection.objects.create(
        organization=organization,
        provider=access.provider,
        url=access.url,
        token=access.token,
        app_id=access.app_id,
        app_key=access.app_key,
        installation_id=access.installation_id,
        account=standin.account,
    )


def tie(project: Project, connection: Connection, standin) -> Project:
    """As `connect_repository` leaves it, when all is set up."""
    repo = standin.repositories[0]
    project.ssh_private_key, project.ssh_public_key = new_key_pair("ciservice shop/api")
    project.connection, project.provider = connection, connection.provider
    project.repository_id, project.repository_name = repo.id, repo.name
    project.repository_url = f"git@127.0.0.1:{repo.name}.git"
    project.save()
    return project


@pytest.fixture
def connection(standin, organization) -> Connection:
    return connection_to(standin, organization)


@pytest.fixture
def tied(project, connection, standin) -> Project:
    return tie(project, connection, standin)


def work(limit: int = 20) -> None:
    """Deliver what waits, as a worker does, once for each entry at most."""
    for _ in range(limit):
        lanes = OutboxEntry.objects.due().values_list("lane", flat=True).distinct()
        if not sum(outbox.deliver_lane(lane) for lane in list(lanes)):
            return


def later() -> None:
    """All pauses are over."""
    OutboxEntry.objects.filter(state=OutboxState.PENDING).update(not_before="2020-01-01T00:00:00Z")
    OutboxLane.objects.update(rests_until=None)
    Connection.objects.update(quiet_until=None)

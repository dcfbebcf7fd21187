"""Each git host's stand-in, running, and the way in to it."""

from __future__ import annotations

import pytest

from builds.providers.contract import Access, DeployKey, Hook, Ref
from builds.providers.make import host_by
from tests.builds.providers.standin_bitbucket import BitbucketServerStandIn, BitbucketStandIn
from tests.builds.providers.standin_gitea import GiteaStandIn
from tests.builds.providers.standin_github import GitHubAppStandIn, GitHubStandIn
from tests.builds.providers.standin_gitlab import GitLabStandIn

HOSTS = [GitHubStandIn, GitHubAppStandIn, GitLabStandIn, BitbucketStandIn, BitbucketServerStandIn, GiteaStandIn]
KEY = DeployKey("ciservice shop/api", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample ciservice shop/api")
HOOK = Hook("https://ci.example.com/hooks/x/1", "hook-secret-1234")


def access_to(standin, **changes) -> Access:
    """The way in to a stand-in."""
    values = {"provider": standin.provider, "url": standin.url, "token": standin.token}
    if standin.provider == "bitbucket":
        values["url"] += "/shop"
    if isinstance(standin, GitHubAppStandIn):
        values |= {
            "token": "",
            "app_id": standin.app_id,
            "app_key": standin.pem,
            "installation_id": standin.installation,
        }
    return Access(**{**values, **changes})


@pytest.fixture
def start(settings):
    """Starts a stand-in; at the end nothing that it was sent may have been wrong."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    running = []

    def start(kind):
        running.append(kind())
        return running[-1]

    yield start
    for each in running:
        each.close()
    assert [complaint for each in running for complaint in each.complaints] == []


@pytest.fixture(params=HOSTS, ids=lambda kind: kind.__name__.removesuffix("StandIn"))
def standin(request, start):
    """Each of them in turn."""
    return start(request.param)


@pytest.fixture
def host(standin):
    """The host that speaks to it."""
    return host_by(access_to(standin))


@pytest.fixture
def ref(standin) -> Ref:
    """A private repository there."""
    repo = standin.repositories[0]
    return Ref(repo.id, repo.name)

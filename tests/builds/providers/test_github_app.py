"""The App of GitHub: its signed word, and the token that is made anew before it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builds.providers.errors import Forbidden, Unauthorized
from builds.providers.github import api_of
from builds.providers.make import host_by
from tests.builds.providers.conftest import access_to
from tests.builds.providers.standin_github import GitHubAppStandIn


@pytest.fixture
def standin(start):
    return start(GitHubAppStandIn)


def test_one_token_serves_many_calls_and_many_clients(standin, ref):
    for _ in range(3):
        host_by(access_to(standin)).repository(ref)
    assert standin.given == 1


def test_a_token_that_ends_within_minutes_is_made_anew(standin, host, ref):
    standin.lasts = timedelta(minutes=4)
    host.repository(ref)
    host.repository(ref)
    assert standin.given == 2


def test_a_token_that_was_revoked_is_made_anew_at_once(standin, host, ref):
    host.repository(ref)
    standin.token = "revoked"
    assert host.repository(ref).name == ref.name
    assert standin.given == 2


def test_what_is_no_key_is_told(standin):
    for key in ("", "not a key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"):
        with pytest.raises(Unauthorized, match=r"\.pem") as refusal:
            host_by(access_to(standin, app_key=key)).whoami()
        assert "AAAA" not in repr(refusal.value)


def test_another_installation_is_not_ours(standin, ref):
    with pytest.raises(Unauthorized, match="install it again"):
        host_by(access_to(standin, installation_id="78")).repository(ref)


def test_permissions_that_lack_are_listed(standin, host):
    standin.permissions = {"metadata": "read", "statuses": "read"}
    with pytest.raises(Forbidden) as lacking:
        host.whoami()
    assert (
        lacking.value.missing == "statuses: write, repository_hooks: write, administration: write, pull_requests: read"
    )


def test_the_api_is_beside_github_and_below_enterprise():
    assert api_of("https://github.com") == "https://api.github.com"
    assert api_of("https://git.corp.example/") == "https://git.corp.example/api/v3"
    assert api_of("https://github.com.evil.example") == "https://github.com.evil.example/api/v3"

"""What is wrong at the git host is one sentence on the project's page, and goes away by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from builds.models import HostingStep, OutboxEntry, Project
from builds.services.check_hosting import look_at_what_is_due, look_soon
from builds.services.hosting import host_name, rename
from builds.services.set_up import set_up
from tests.builds.hosting.conftest import later, work
from tests.builds.providers.standin import Reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready(tied):
    """Set up, and looked at."""
    set_up(tied)
    work()
    tied.refresh_from_db()
    assert tied.hosting_problem == ""
    return tied


def look(project) -> str:
    OutboxEntry.objects.filter(kind="hosting_check").delete()
    look_soon(project)
    later()
    work()
    project.refresh_from_db()
    return project.hosting_problem


def test_each_trouble_has_its_sentence_and_ends_by_itself(standin, ready):
    hooks, keys, token = dict(standin.hooks), dict(standin.keys), standin.token
    standin.hooks.clear()
    assert "webhook is not there" in look(ready)
    standin.hooks.update(hooks)
    assert look(ready) == ""
    standin.keys.clear()
    assert "deploy key is not there" in look(ready)
    standin.keys.update(keys)
    standin.token = "changed"
    assert "does not accept the token" in look(ready)
    standin.token = token
    assert look(ready) == ""
    repositories, standin.repositories = standin.repositories, []
    assert "no such thing, or does not show it" in look(ready)
    standin.repositories = repositories
    standin.fault = lambda request: (
        Reply(403, {"message": "Must have admin rights"}) if "/hooks" in request.path else None
    )
    assert "Webhooks" in look(ready)
    standin.fault = lambda request: None
    assert look(ready) == ""


def test_a_host_that_is_away_is_no_trouble_of_the_repository(standin, ready):
    standin.fault = lambda request: Reply(500, {})
    assert look(ready) == ""


def test_a_renamed_repository_is_followed_and_told_of(standin, ready):
    standin.repositories[0].name = "shop/backend"

    def moved(request):
        if "/repos/shop/api" not in request.path:
            return None
        there = standin.url + request.raw_path.replace("/repos/shop/api", "/repositories/101")
        return Reply(301, {"message": "Moved Permanently"}, {"Location": there})

    standin.fault = moved
    for hook in standin.hooks.values():
        hook["repository"] = "shop/backend"
    for key in standin.keys.values():
        key["repository"] = "shop/backend"
    Project.objects.update(repository_url="git@github.com:shop/api.git")
    assert look(ready) == ""
    assert ready.repository_name == "shop/backend"
    assert ready.repository_url == "git@github.com:shop/backend.git"
    assert "is called shop/backend now; it was shop/api" in HostingStep.objects.get(name="check").note
    entry = AuditEntry.objects.get(action="project.repository_renamed")
    assert entry.details["before"] == "shop/api"


def test_another_repository_of_the_same_name_is_not_ours(standin, ready):
    standin.repositories[0].id = "999"
    assert "Another repository is called shop/api now" in look(ready)


def test_what_is_due_is_looked_at_and_nothing_else(ready):
    OutboxEntry.objects.all().delete()
    assert look_at_what_is_due() == 0
    HostingStep.objects.update(tried_at=timezone.now() - timedelta(hours=25))
    assert look_at_what_is_due() == 1
    HostingStep.objects.update(tried_at=timezone.now() - timedelta(hours=1))
    assert look_at_what_is_due() == 0
    Project.objects.update(hosting_problem="The hook is gone.")
    assert look_at_what_is_due() == 1
    Project.objects.update(connection=None)
    assert look_at_what_is_due() == 0


def test_a_name_from_a_payload_leads_to_no_other_host(ready):
    Project.objects.update(repository_url="git@git.example.com:shop/api.git")
    assert rename(ready, "shop/new", "git@evil.example:shop/new.git", "https://git.example.com/shop/new.git")
    assert (ready.repository_name, ready.repository_url) == ("shop/new", "git@git.example.com:shop/api.git")
    assert rename(ready, "shop/newer", "https://git.example.com/x/y.git", "git@git.example.com:shop/newer.git")
    assert ready.repository_url == "git@git.example.com:shop/newer.git"
    assert not rename(ready, "shop/newer", "git@git.example.com:shop/other.git")
    assert not rename(ready, "")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Git.Example.com:8443/a/b.git", "git.example.com"),
        ("git@github.com:a/b.git", "github.com"),
        ("ssh://git@stash.example.com:7999/a/b.git", "stash.example.com"),
        ("/srv/git/a.git", ""),
        ("https://[broken", ""),
        ("", ""),
    ],
)
def test_the_host_of_an_address(url, host):
    assert host_name(url) == host

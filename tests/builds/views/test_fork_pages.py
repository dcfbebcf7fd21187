"""What people see of pull requests and forks: the settings, the set-up of each host's hook, a build that waits, the deliveries."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry, Role
from builds.models import Build, WebhookDelivery
from builds.services.signing_token import gitlab_signing_token
from builds.services.trigger import BuildRequest, trigger
from builds.states import Status

A = "a" * 40


@pytest.fixture
def held(project):
    request = BuildRequest(
        ref="refs/pull/7/head",
        branch="mallory:main",
        commit=A,
        trigger="pull_request",
        pull_request=7,
        pull_request_url="https://github.com/shop/api/pull/7",
        from_fork=True,
        is_held=True,
    )
    return trigger(project, request, who="webhook (github)")


@pytest.fixture
def address(project, held):
    return f"/projects/{project.uuid}/builds/{held.number}/"


def test_a_waiting_build_says_what_it_waits_for_and_offers_the_button(client, owner, address):
    client.force_login(owner)
    page = client.get(address).content.decode()
    assert "From a fork by mallory: a manager looks at commit aaaaaaa and approves." in page
    assert f'action="{address}approve"' in page
    assert "Approve commit aaaaaaa of a fork?" in page
    assert '<a href="https://github.com/shop/api/pull/7" rel="noreferrer">pull request 7</a>' in page


def test_the_button_plans_it_and_is_in_the_audit_log(client, owner, address, held):
    client.force_login(owner)
    assert client.post(f"{address}approve").status_code == 302
    held.refresh_from_db()
    assert (held.status, held.is_held) == (Status.QUEUED, False)
    assert AuditEntry.objects.get(action="build.approved").user == owner


def test_who_may_not_approve_is_not_offered_it_and_cannot(client, make_user, organization, address, held):
    client.force_login(make_user("c@example.com", organization, Role.CONTRIBUTOR))
    page = client.get(address)
    if page.status_code == 200:  # one who sees the project at all
        assert "Approve commit" not in page.content.decode()
    assert client.post(f"{address}approve").status_code in {403, 404}
    held.refresh_from_db()
    assert held.is_held


def test_stopping_it_is_saying_no(client, owner, address, held):
    client.force_login(owner)
    assert client.post(f"{address}cancel").status_code == 302
    held.refresh_from_db()
    assert held.status == Status.CANCELLED


def test_the_api_approves_it_too(client, owner, project, held):
    client.force_login(owner)
    assert Build.objects.get().is_held
    page = client.get(f"/projects/{project.uuid}/")
    assert "mallory:main" in page.content.decode()


def test_the_settings_keep_what_becomes_of_forks_and_requests(client, owner, project):
    client.force_login(owner)
    url = f"/projects/{project.uuid}/settings"
    page = client.get(url).content.decode()
    assert "wait until a manager approves the commit" in page
    values = {"name": project.name, "repository_url": project.repository_url, "default_branch": "main"}
    assert client.post(url, {**values, "forks": "build", "pull_requests_only": "on"}).status_code == 302
    project.refresh_from_db()
    assert (project.forks, project.pull_requests_only) == ("build", True)
    assert client.post(url, {**values, "forks": "trust"}).status_code == 400


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("github", "the events “Pushes” and “Pull requests”"),
        ("gitlab", "“Merge request events”"),
        ("bitbucket", "“Declined”"),
        ("bitbucket_server", "“Source branch updated”"),
        ("gitea", "“Pull request synchronized”"),
        ("generic", "hooks/post-receive"),
    ],
)
def test_the_set_up_says_what_to_tick(client, owner, project, provider, said):
    project.provider = provider
    project.save()
    client.force_login(owner)
    page = client.get(f"/projects/{project.uuid}/setup").content.decode()
    assert said in page
    assert f"/hooks/{provider}/{project.uuid}" in page
    assert project.hook_secret not in page


def test_gitlabs_signing_token_is_shown_once(client, owner, project):
    project.provider = "gitlab"
    project.save()
    client.force_login(owner)
    client.post(f"/projects/{project.uuid}/settings/hook-secret")
    project.refresh_from_db()
    token, url = gitlab_signing_token(project.hook_secret), f"/projects/{project.uuid}/setup"
    assert token in client.get(url).content.decode()
    assert token not in client.get(url).content.decode()


def test_the_deliveries_say_of_what_they_told(client, owner, project):
    WebhookDelivery.objects.create(
        project=project,
        provider="github",
        delivery_id="d",
        event="push",
        ref="refs/heads/feature",
        after=A,
        outcome="ignored",
        reason="because",
    )
    client.force_login(owner)
    page = client.get(f"/projects/{project.uuid}/settings").content.decode()
    assert '<td class="mono">refs/heads/feature <span class="soft">aaaaaaa</span></td>' in page

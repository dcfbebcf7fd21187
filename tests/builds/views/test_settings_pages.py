"""Making a project and changing it: forms, secrets that are shown once or never, rights."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from accounts.models import AuditEntry, Organization, Role
from builds.models import Project, Secret, WebhookDelivery


@pytest.fixture
def browser(client, owner):
    """A client logged in as an owner."""
    client.force_login(owner)
    return client


def form(organization: Organization, **values: str) -> dict[str, object]:
    return {
        "organization": organization.pk,
        "name": "shop/new",
        "repository_url": "https://git.example.com/shop/new.git",
        "provider": "generic",
        "default_branch": "main",
        **values,
    }


def test_making_a_project_shows_the_hook_secret_once(browser, organization):
    answer = browser.post("/new", form(organization))
    project = Project.objects.get(name="shop/new")
    assert answer.url == f"/projects/{project.uuid}/setup"
    first, second = (browser.get(answer.url).content.decode() for _ in range(2))
    assert project.hook_secret in first
    assert project.hook_secret not in second
    assert f"/hooks/generic/{project.uuid}" in second
    assert project.ssh_public_key.split()[1] in second


@pytest.mark.parametrize(
    "values",
    [{"repository_url": "file:///etc"}, {"repository_url": "--upload-pack=x"}, {"name": ""}, {"provider": "svn"}],
)
def test_what_cannot_be_is_said_at_its_field(browser, organization, values, settings):
    settings.ALLOW_LOCAL_REPOSITORIES = False
    answer = browser.post("/new", form(organization, **values))
    assert answer.status_code == 400
    assert 'class="errorlist"' in answer.content.decode()
    assert not Project.objects.exists()


def test_nobody_makes_projects_in_another_organisation(browser, organization):
    other = Organization.objects.create(name="Other", slug="other")
    assert browser.post("/new", form(other)).status_code == 400
    assert not Project.objects.exists()


def test_the_organisation_of_the_list_is_chosen_already(browser, owner, organization):
    other = Organization.objects.create(name="Another", slug="another")
    other.memberships.create(user=owner, role=Role.OWNER)
    page = browser.get("/new?organization=shop").content.decode()
    assert f'<option value="{organization.pk}" selected>' in page


def test_a_contributor_is_told_whom_to_ask(client, member, organization):
    client.force_login(member)
    assert "You may not create projects yet." in client.get("/new").content.decode()
    assert client.post("/new", form(organization)).status_code == 400


def test_changing_settings(browser, project):
    values = {
        "name": "shop/api2",
        "repository_url": project.repository_url,
        "default_branch": "trunk",
        "forks": "ignore",
        "supersede": "on",
    }
    assert browser.post(f"/projects/{project.uuid}/settings", values).status_code == 302
    project.refresh_from_db()
    assert (project.name, project.default_branch, project.supersede, project.timeout_seconds) == (
        "shop/api2",
        "trunk",
        True,
        None,
    )
    assert AuditEntry.objects.filter(action="project.changed", subject="shop/api2").exists()


def test_a_taken_name_is_refused_in_words(browser, project, organization):
    Project.objects.create(organization=organization, name="shop/web", repository_url="https://git.example.com/w.git")
    values = {"name": "shop/web", "repository_url": project.repository_url, "default_branch": "main", "forks": "hold"}
    answer = browser.post(f"/projects/{project.uuid}/settings", values)
    assert answer.status_code == 400
    assert "already" in answer.content.decode()
    project.refresh_from_db()
    assert project.name == "shop/api"


def test_a_new_hook_secret_is_shown_once(browser, project):
    old = project.hook_secret
    answer = browser.post(f"/projects/{project.uuid}/settings/hook-secret")
    project.refresh_from_db()
    assert project.hook_secret != old
    assert project.hook_secret in browser.get(answer.url).content.decode()
    assert project.hook_secret not in browser.get(f"/projects/{project.uuid}/settings").content.decode()


def test_secrets_are_written_and_never_read(browser, project):
    address = f"/projects/{project.uuid}/settings"
    browser.post(f"{address}/secrets", {"name": "TOKEN", "value": "line 1\r\nline-2-hidden "})
    assert Secret.objects.get().value == "line 1\nline-2-hidden "
    page = browser.get(address).content.decode()
    assert "TOKEN" in page
    assert "line-2-hidden" not in page
    browser.post(f"{address}/secrets", {"name": "TOKEN", "value": "other"})
    assert Secret.objects.get().value == "other"
    browser.post(f"{address}/secrets/delete", {"name": "TOKEN"})
    assert not Secret.objects.exists()
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "secret.put",
        "secret.put",
        "secret.deleted",
    ]
    assert not any("other" in str(entry.details) for entry in AuditEntry.objects.all())


@pytest.mark.parametrize(("name", "value"), [("1X", "v"), ("A B", "v"), ("X", ""), ("X", "a\0b")])
def test_secrets_that_no_shell_could_hold(browser, project, name, value):
    answer = browser.post(f"/projects/{project.uuid}/settings/secrets", {"name": name, "value": value})
    assert answer.status_code == 400
    assert not Secret.objects.exists()


@pytest.mark.parametrize("path", ["", "/hook-secret", "/secrets", "/secrets/delete"])
def test_a_contributor_sees_settings_but_changes_none(client, member, project, path):
    client.force_login(member)
    assert client.post(f"/projects/{project.uuid}/settings{path}", {"name": "X", "value": "y"}).status_code == 403
    page = client.get(f"/projects/{project.uuid}/settings").content.decode()
    assert project.repository_url in page
    assert "<textarea" not in page


def test_deliveries_and_why_nothing_came_of_them(browser, project):
    WebhookDelivery.objects.create(
        project=project,
        provider="github",
        delivery_id="1",
        event="ping",
        outcome="refused",
        reason="The signature is wrong.",
    )
    assert "The signature is wrong." in browser.get(f"/projects/{project.uuid}/settings").content.decode()


def test_the_hook_script_can_be_fetched_without_a_log_in(client, db):
    answer = client.get("/post-receive")
    assert answer.content.startswith(b"#!/bin/sh")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_roles_that_may_change(client, make_user, organization, project):
    client.force_login(make_user("pm@example.com", organization, Role.PROJECT_MANAGER))
    assert client.post(f"/projects/{project.uuid}/settings/hook-secret").status_code == 302


def test_schedules_are_shown_with_the_moment_to_come(browser, project):
    moment = datetime(2030, 1, 7, 2, 30, tzinfo=UTC)
    project.schedules.create(position=0, cron="30 3 * * 1", zone="Europe/Vienna", pipelines=["nightly"], next_at=moment)
    page = browser.get(f"/projects/{project.uuid}/settings").content.decode()
    for text in ("30 3 * * 1", "Europe/Vienna", "nightly", "Mon 7 Jan 2030, 02:30 UTC"):
        assert text in page

"""The pages: connect a host, choose a repository, see what is set up, try again; nothing secret, nobody else's."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, Role
from builds.models import Connection, HostingStep, Project, ReportedStatus
from builds.services.trigger import trigger
from tests.builds.hosting.conftest import connection_to, later, work
from tests.builds.hosting.test_report_status import request
from tests.builds.providers.standin import GONE, Reply, Repo

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(owner) -> Client:
    """The owner's browser."""
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def manager(make_user, organization) -> Client:
    """A project manager's."""
    client = Client()
    client.force_login(make_user("manager@example.com", organization, Role.PROJECT_MANAGER))
    return client


def of(connection: Connection, name: str) -> str:
    return reverse(name, args=[connection.organization.uuid, connection.uuid])


def test_a_host_is_connected_and_its_token_never_shown(standin, page, organization):
    url = reverse("git_hosts", args=[organization.uuid])
    typed = {"provider": "github", "url": standin.url, "token": standin.token}
    wrong = page.post(url, {**typed, "token": "wrong-token-77"})
    assert wrong.status_code == 400
    assert "does not accept the token" in wrong.text
    assert standin.url in wrong.text
    assert "wrong-token-77" not in wrong.text
    shown = page.post(url, typed, follow=True)
    assert shown.redirect_chain
    assert f"Connected to {standin.url} as deploy-bot." in shown.text
    assert "ends on 1 Mar 2027" in shown.text
    one = Connection.objects.get()
    for address in (url, of(one, "git_host"), of(one, "repositories"), reverse("project_create")):
        assert standin.token not in page.get(address).text


def test_a_connection_is_checked_replaced_and_removed(standin, page, connection):
    standin.token = "another-one-1234"
    assert "does not accept the token" in page.post(of(connection, "git_host_check"), follow=True).text
    refused = page.post(of(connection, "git_host"), {"token": "no-good-4321"})
    assert refused.status_code == 400
    assert "The new one works" in page.post(of(connection, "git_host"), {"token": "another-one-1234"}, follow=True).text
    assert "lets us in as deploy-bot" in page.post(of(connection, "git_host_check"), follow=True).text
    assert "forgotten" in page.post(of(connection, "git_host_remove"), follow=True).text
    assert not Connection.objects.exists()


def test_one_in_use_is_not_removed(page, tied, connection):
    assert "disconnect them first" in page.post(of(connection, "git_host_remove"), follow=True).text
    assert Connection.objects.exists()


def test_a_project_manager_chooses_but_does_not_connect(manager, connection):
    assert manager.get(reverse("git_hosts", args=[connection.organization.uuid])).status_code == 403
    assert manager.get(of(connection, "repositories")).status_code == 200


def test_nobody_of_another_organisation_reaches_it(standin, connection, stranger):
    client = Client()
    client.force_login(stranger)
    other = Organization.objects.get(slug="other")
    crossed = reverse("repositories", args=[other.uuid, connection.uuid])
    for address in (of(connection, "repositories"), of(connection, "git_host"), crossed):
        assert client.get(address).status_code == 404
    assert client.post(crossed, {"repository": "101", "name": "shop/api"}).status_code == 404
    assert standin.requests == []


def test_a_connection_of_another_organisation_ties_no_project(page, standin, project, stranger):
    theirs = connection_to(standin, Organization.objects.get(slug="other"))
    address = reverse("repository_connect", args=[project.uuid, theirs.uuid])
    assert page.get(address).status_code == 404
    assert page.post(address, {"repository": "101", "name": "shop/api"}).status_code == 404


def test_a_repository_is_found_and_built(standin, manager, connection):
    standin.repositories += [Repo(str(500 + n), f"shop/lib-{n:02}") for n in range(60)]
    first = manager.get(of(connection, "repositories"))
    assert "shop/api" in first.text
    assert "?page=2" in first.text
    assert "shop/lib-59" in manager.get(of(connection, "repositories") + "?page=2").text
    found = manager.get(of(connection, "repositories") + "?q=LIB-07")
    assert "shop/lib-07" in found.text
    assert "shop/lib-08" not in found.text
    made = manager.post(of(connection, "repositories"), {"repository": "101", "name": "shop/api"})
    project = Project.objects.get()
    assert made.url == reverse("project_setup", args=[project.uuid])
    assert "Being set up" in manager.get(made.url).text
    work()
    shown = manager.get(made.url).text
    assert shown.count("Set up.") == 3
    assert "All is well." in shown
    again = manager.get(of(connection, "repositories")).text
    assert "shop/api builds it" in again
    twice = manager.post(of(connection, "repositories"), {"repository": "101", "name": "shop/api"})
    assert twice.status_code == 400
    assert "built already, as shop/api" in twice.text


@pytest.mark.parametrize(
    "query", ["?page=0", "?page=-1", "?page=x", "?page=99999999999", "?q=%00%ff", "?q=" + "x" * 5000, "?page=٣"]
)
def test_odd_addresses_are_read_as_something(query, page, connection):
    assert page.get(of(connection, "repositories") + query).status_code == 200


def test_a_host_that_is_away_is_a_sentence(standin, page, connection):
    standin.fault = lambda request: Reply(502, b"<html>")
    shown = page.get(of(connection, "repositories"))
    assert (shown.status_code, "GitHub answered 502." in shown.text) == (200, True)
    chosen = page.post(of(connection, "repositories"), {"repository": "101", "name": "shop/api"})
    assert chosen.status_code == 400
    assert not Project.objects.exists()


def test_names_of_the_host_are_text(standin, page, connection):
    standin.repositories.append(Repo("666", "shop/<script>alert(1)</script>"))
    assert "<script>alert(1)" not in page.get(of(connection, "repositories")).text


def test_a_step_that_failed_says_what_to_do_and_is_tried_again(standin, page, tied):
    standin.fault = lambda request: Reply(403, {"message": "no"}) if "/hooks" in request.path else None
    address = reverse("setup_again", args=[tied.uuid])
    page.post(address)
    work()
    shown = page.get(reverse("project_setup", args=[tied.uuid])).text
    assert "Not set up." in shown
    assert "Webhooks: read and write" in shown
    standin.fault = lambda request: None
    page.post(address, {"step": "hook"})
    later()
    work()
    assert HostingStep.objects.get(name="hook").state == "done"
    tied.refresh_from_db()
    assert tied.hosting_problem == ""


def test_troubles_are_on_the_projects_page(standin, page, tied):
    Project.objects.update(hosting_problem="The webhook is not there.")
    trigger(tied, request(GONE), who="a test")
    work()
    standin.complaints.clear()
    shown = page.get(reverse("project", args=[tied.uuid])).text
    assert "No commit found" in shown
    assert "did not arrive" in shown
    assert ReportedStatus.objects.count() == 1


def test_a_new_hook_secret_goes_to_the_host_by_itself(standin, page, tied):
    page.post(reverse("setup_again", args=[tied.uuid]))
    work()
    before = tied.hook_secret
    page.post(reverse("hook_secret_renew", args=[tied.uuid]))
    work()
    tied.refresh_from_db()
    assert tied.hook_secret != before
    assert [hook["secret"] for hook in standin.hooks.values()] == [tied.hook_secret]


def test_statuses_are_switched_and_named(page, tied):
    address = reverse("statuses_change", args=[tied.uuid])
    page.post(address, {"status_context": "ci/ours"})
    tied.refresh_from_db()
    assert (tied.reports_statuses, tied.status_context) == (False, "ci/ours")
    assert "100 characters" in page.post(address, {"status_context": "x" * 101}, follow=True).text


def test_a_project_by_hand_is_connected_and_disconnected(standin, page, project, connection):
    settings = reverse("project_settings", args=[project.uuid])
    choose = reverse("repository_connect", args=[project.uuid, connection.uuid])
    assert choose in page.get(settings).text
    page.post(choose, {"repository": "101", "name": "shop/api"})
    work()
    assert "Disconnect" in page.get(settings).text
    assert len(standin.hooks) == 1
    page.post(reverse("repository_disconnect", args=[project.uuid]))
    work()
    assert standin.hooks == {}
    project.refresh_from_db()
    assert project.connection is None

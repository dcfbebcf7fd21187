"""The page of projects: who sees what, in which order, at what cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from builds.models import Build, Runner
from builds.models.build import Trigger
from builds.states import Status
from builds.views import slots
from tests.browser import seed


@pytest.fixture
def browser(client, member):
    """A client logged in as a member."""
    client.force_login(member)
    return client


def test_a_visitor_is_sent_to_the_log_in(client, project):
    answer = client.get("/")
    assert answer.status_code == 302
    assert answer.url.startswith("/login")


def test_a_member_sees_the_newest_build_of_the_default_branch(browser, project, make_build):
    make_build(message="Fix tax rounding\n\nAt last.", status=Status.PASSED)
    make_build(message="Elsewhere", branch="feature")
    page = browser.get("/").content.decode()
    assert "Fix tax rounding" in page
    assert "At last" not in page
    assert "Elsewhere" not in page
    assert 'aria-label="Build state: passed"' in page


def test_a_stranger_sees_nothing_of_it(client, stranger, project, make_build):
    make_build(message="Fix tax rounding")
    client.force_login(stranger)
    page = client.get("/").content.decode()
    assert project.name not in page
    assert "No project yet." in page


def test_another_organisation_named_in_the_address_shows_nothing(client, stranger, organization, project):
    client.force_login(stranger)
    assert project.name not in client.get(f"/?organization={organization.slug}").content.decode()


def test_what_failed_lately_comes_first_and_what_never_ran_last(browser, organization):
    now = timezone.now()
    for name, status in (("a/never", ""), ("b/passed", Status.PASSED), ("c/failed", Status.FAILED)):
        made = seed.make_project(organization, name)
        if status:
            seed.make_build(made, status, at=now - timedelta(hours=1))
    page = browser.get("/").content.decode()
    assert page.index("c/failed") < page.index("b/passed") < page.index("a/never")


def test_the_bars_are_the_last_thirty_builds_of_the_default_branch(browser, organization):
    made = seed.make_project(organization, "shop/busy")
    for minute in range(34):
        seed.make_build(
            made, Status.PASSED, at=timezone.now() - timedelta(hours=2, minutes=-minute), seconds=30 + minute
        )
    page = browser.get("/").content.decode()
    assert page.count('class="bar-passed"') == 30
    assert "<title>#34 passed, 1m 03s</title>" in page
    assert "<title>#4 passed" not in page


def test_more_projects_and_builds_cost_no_more_queries(browser, organization, django_assert_num_queries):
    def add(number: int) -> None:
        made = seed.make_project(organization, f"shop/{number}")
        seed.make_build(made, Status.FAILED, at=timezone.now())
        seed.make_build(made, Status.PASSED, at=timezone.now())

    add(1)
    browser.get("/")

    with CaptureQueriesContext(connection) as few:
        browser.get("/")
    for number in range(2, 12):
        add(number)
    with django_assert_num_queries(len(few)):
        browser.get("/")


def test_it_says_when_no_runner_is_alive(browser, make_build):
    make_build()
    assert "No runner is alive" in browser.get("/").content.decode()
    now = timezone.now()
    Runner.objects.create(name="r1", executor="docker", version="1", started_at=now, seen_at=now)
    assert "No runner is alive" not in browser.get("/").content.decode()


def test_later_apps_can_say_something_in_a_row(browser, project, monkeypatch):
    asked = []

    def live(projects):
        asked.append([one.pk for one in projects])
        return {project.pk: "live a41c9f2"}

    monkeypatch.setitem(slots._slots, "project_row", [])
    slots.register("project_row", live)
    assert "live a41c9f2" in browser.get("/").content.decode()
    assert asked == [[project.pk]]


def test_what_runs_and_what_waits(browser, project):
    seed.running_build(project)
    waiting = seed.make_build(project, Status.QUEUED, at=timezone.now(), message="Wait for me")
    seed.make_job(waiting, "test", Status.QUEUED)
    page = browser.get("/running").content.decode()
    assert page.index("Running") < page.index("Retry on 503") < page.index("Wait for me")
    assert "<span data-running-count>1</span>" in page


def test_more_of_what_runs_by_hand_costs_no_more_queries(browser, project, member, django_assert_num_queries):
    def add() -> None:
        build = seed.running_build(project)
        Build.objects.filter(pk=build.pk).update(trigger=Trigger.MANUAL, requested_by=member)

    add()
    with CaptureQueriesContext(connection) as few:
        browser.get("/running")
    for _ in range(5):
        add()
    with django_assert_num_queries(len(few)):
        page = browser.get("/running").content.decode()
    assert page.count("by hand") == 6


def test_the_running_list_is_empty_for_a_stranger(client, stranger, project):
    seed.running_build(project)
    client.force_login(stranger)
    page = client.get("/running").content.decode()
    assert "Nothing runs." in page
    assert "Retry on 503" not in page

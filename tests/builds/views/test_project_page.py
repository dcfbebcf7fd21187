"""A project's builds: filter words, older ones, the button; nothing of another organisation."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from builds.models import Build
from builds.models.build import Trigger
from builds.states import Status
from builds.views.filters import PAGE, Filter, read_filter


@pytest.fixture
def browser(client, member):
    """A client logged in as a member."""
    client.force_login(member)
    return client


def numbers(page: str) -> list[int]:
    """The builds that a page lists, in its order."""
    return [int(part.split("<")[0]) for part in page.split('/">#')[1:]]


def test_newest_first_and_older_on_demand(browser, project, make_build):
    for _ in range(PAGE + 5):
        make_build()
    page = browser.get(f"/projects/{project.uuid}/").content.decode()
    assert numbers(page) == list(range(PAGE + 5, 5, -1))
    assert "?before=6" in page
    older = browser.get(f"/projects/{project.uuid}/?before=6").content.decode()
    assert numbers(older) == [5, 4, 3, 2, 1]
    assert "Older builds" not in older


def test_the_live_part_keeps_its_lower_end_when_builds_are_added(browser, project, make_build):
    for _ in range(PAGE + 1):
        make_build()
    browser.get(f"/projects/{project.uuid}/")
    make_build()
    part = browser.get(f"/projects/{project.uuid}/?part=rows&until=2").content.decode()
    assert numbers(part) == list(range(PAGE + 2, 1, -1))
    assert "<html" not in part


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("branch:feature/x", [2]),
        ("failed", [3]),
        ("failed branch:main", [3]),
        ("passed branch:feature/x", [2]),
        ("mine", [4]),
        ("#1", [1]),
        ("bbbbbbb", [4]),
        ("ROUNDING tax", [3]),
        ("branch:none", []),
        ("\0' OR 1=1 --", []),
    ],
)
def test_filter_words(browser, member, project, make_build, typed, found):
    make_build()
    make_build(branch="feature/x", status=Status.PASSED, message="Other")
    make_build(status=Status.FAILED, message="Tax: round up\nrounding")
    make_build(author_email=member.email, commit="b" * 40, message="Mine")
    Build.objects.filter(number=1).update(message="First")
    page = browser.get(f"/projects/{project.uuid}/", {"q": typed}).content.decode()
    assert numbers(page) == found
    assert ("No build matches" in page) == (not found)


def test_mine_are_those_i_wrote_and_those_i_asked_for(browser, member, project, make_build):
    make_build(author_email=member.email)
    make_build(requested_by=member)
    make_build()
    assert numbers(browser.get(f"/projects/{project.uuid}/?q=mine").content.decode()) == [2, 1]


@pytest.mark.parametrize("value", ["x", "-1", "9" * 30, "²", ""])
def test_numbers_in_the_address_may_be_anything(browser, project, make_build, value):
    make_build()
    assert browser.get(f"/projects/{project.uuid}/", {"before": value, "until": value}).status_code == 200


def test_reading_a_filter():
    assert read_filter("") == Filter()
    assert read_filter("branch: Failed mine tax") == Filter(statuses=["failed"], mine=True, words=["branch:", "tax"])


def test_listing_asks_by_index_and_never_counts(browser, project, make_build):
    for _ in range(3):
        make_build()
    with CaptureQueriesContext(connection) as few:
        browser.get(f"/projects/{project.uuid}/")
    for _ in range(20):
        make_build()
    with CaptureQueriesContext(connection) as many:
        browser.get(f"/projects/{project.uuid}/")
    assert len(few) == len(many)
    asked = [query["sql"] for query in many if 'FROM "builds_build"' in query["sql"]]
    assert asked
    assert not any("COUNT(" in sql or "OFFSET" in sql for sql in asked)


def test_a_stranger_finds_no_project(client, stranger, project):
    client.force_login(stranger)
    for address in ("", "settings", "setup", "events"):
        assert client.get(f"/projects/{project.uuid}/{address}").status_code == 404
    assert client.post(f"/projects/{project.uuid}/build").status_code == 404
    assert client.get(f"/projects/{uuid.uuid4()}/").status_code == 404


def test_an_empty_project_says_how_to_begin(browser, project):
    page = browser.get(f"/projects/{project.uuid}/").content.decode()
    assert "No build yet." in page
    assert f"/hooks/generic/{project.uuid}" in page


def test_building_the_default_branch_now(browser, member, project):
    answer = browser.post(f"/projects/{project.uuid}/build")
    build = Build.objects.get()
    assert answer.url == f"/projects/{project.uuid}/builds/{build.number}/"
    assert (build.branch, build.commit, build.trigger) == ("main", "", Trigger.MANUAL)
    assert build.requested_by == member


def test_what_changes_something_is_never_done_by_a_link(browser, project, make_build):
    make_build()
    base = f"/projects/{project.uuid}"
    for address in ("build", "builds/1/cancel", "builds/1/retry", "settings/hook-secret", "settings/secrets"):
        assert browser.get(f"{base}/{address}").status_code == 405


def test_messages_are_shown_as_text(browser, project, make_build):
    make_build(message="<script>alert(1)</script>", branch='"><img src=x>', author_name="<b>x")
    page = browser.get(f"/projects/{project.uuid}/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x>" not in page

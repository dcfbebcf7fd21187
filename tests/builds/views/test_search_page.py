"""The search: what is found by what, and by whom."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from builds.models import Build
from builds.models.build import Trigger


@pytest.fixture
def browser(client, member):
    """A client logged in as a member."""
    client.force_login(member)
    return client


@pytest.mark.parametrize("query", ["7", "#7", "deadbee", "DEADBEEF", "feature/tax", "rounding TAX"])
def test_builds_by_number_commit_branch_and_message(browser, make_build, query):
    build = make_build(commit="deadbeef" + "0" * 32, branch="feature/tax", message="Fix tax rounding")
    Build.objects.filter(pk=build.pk).update(number=7)
    make_build(message="Other")
    page = browser.get("/search", {"q": query}).content.decode()
    assert page.count('class="row build-row"') == 1
    assert 'builds/7/">#7<' in page


def test_projects_by_words_in_any_order(browser, project):
    assert project.name in browser.get("/search?q=api+sho").content.decode()
    assert "Nothing found." in browser.get("/search?q=api+nothing").content.decode()


def test_strangers_find_nothing(client, stranger, project, make_build):
    make_build()
    client.force_login(stranger)
    for query in (project.name, "tax", "main", "a" * 40, "1"):
        assert "Nothing found." in client.get("/search", {"q": query}).content.decode()


@pytest.mark.parametrize("query", ["", "%", "\0", "'", "9" * 40, "a" * 5000, "<script>alert(1)</script>"])
def test_any_query_gets_an_answer(browser, make_build, query):
    make_build()
    answer = browser.get("/search", {"q": query})
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content


def test_more_builds_by_hand_cost_no_more_queries(browser, make_build, member, django_assert_num_queries):
    by_hand = {"trigger": Trigger.MANUAL, "requested_by": member, "branch": "feature/tax"}
    make_build(**by_hand)
    with CaptureQueriesContext(connection) as few:
        browser.get("/search?q=feature/tax")
    for _ in range(5):
        make_build(**by_hand)
    with django_assert_num_queries(len(few)):
        page = browser.get("/search?q=feature/tax").content.decode()
    assert page.count('class="row build-row"') == 6

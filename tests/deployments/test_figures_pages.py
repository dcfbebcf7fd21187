"""The page of the figures, and what the API says of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.services.tokens import make_token
from deployments.models import HealthMove
from deployments.views.plots import NOTHING
from tests.browser.seed_deployments import Place, failed_probe, unhealthy

pytestmark = pytest.mark.django_db

NOT_THERE = "3ac270e5-c020-4360-9418-f250cf4a2088"


@pytest.fixture
def place(project):
    return Place(project)


@pytest.fixture
def page(client, member, project):
    """Opens the page with these words in its address."""
    client.force_login(member)

    def page(**asked):
        return client.get(f"/projects/{project.uuid}/figures/", asked)

    return page


@pytest.fixture
def told(member, organization, project):
    """Asks the API."""
    _, raw = make_token(member, "test")
    api = Client(headers={"Authorization": f"Bearer {raw}"})
    address = f"/v2/organizations/{organization.uuid}/projects/{project.uuid}/figures"
    return lambda **asked: api.get(address, asked)


def test_the_board_leads_to_the_page_and_that_to_each_environment(client, member, place, page):
    place.live("staging", "")
    client.force_login(member)
    board = client.get(f"/projects/{place.project.uuid}/environments/").content.decode()
    assert f'href="/projects/{place.project.uuid}/figures/"' in board
    shown = page().content.decode()
    staging, production = (place.environments[name].uuid for name in ("staging", "production"))
    assert f'<a href="?environment={production}&amp;days=30" aria-current="page">production</a>' in shown
    assert f'<a href="?environment={staging}&amp;days=30">staging</a>' in shown
    assert f'<a href="?environment={production}&amp;days=7">7 days</a>' in shown


def test_it_says_the_figures_and_what_they_mean(place, page):
    failed_probe(place)
    response = page(days=7)
    shown = response.content.decode()
    often, lead, failed, restore = response.context["plots"]
    assert (often.said, often.note) == ("1.0 a week", "1 went live")
    assert (failed.said, failed.note) == ("50 %", "1 of 2 that went out")
    assert lead.said.endswith("s")
    assert "rollback" in shown
    assert "first pushed" in shown
    assert len(often.bars) == len(response.context["lines"]) == 7
    assert restore.said != NOTHING or response.context["report"].open_since, "it is known to have been bad"


def test_where_nothing_was_it_says_so(place, page):
    shown = page().content.decode()
    assert shown.count(f'<b class="plot-said">{NOTHING}</b>') == 4
    assert "plot-bar" not in shown


def test_a_project_without_environments_has_a_page(page):
    assert page().status_code == 200


def test_an_open_outage_is_said(place, page):
    unhealthy(place)
    HealthMove.objects.create(environment=place.environments["production"], went_to="bad")
    assert "production has not been right since" in page().content.decode()
    assert "One environment has not been right since" in page(environment="all").content.decode()


@pytest.mark.parametrize("environment", ["nonsense", NOT_THERE, "\x00", "%s"])
def test_an_environment_that_is_not_there_is_not_found(place, page, environment):
    assert page(environment=environment).status_code == 404


@pytest.mark.parametrize("days", ["", "8", "-7", "999999999999", "٣٠", "7.0"])
def test_other_spans_are_a_month(place, page, days):
    assert page(days=days).context["span"].days == 30


def test_a_retired_environment_is_shown_to_who_asks_for_it(place, page):
    production = place.environments["production"]
    production.retired = True
    production.save()
    assert "production" not in page().content.decode()
    assert "production" in page(environment=production.uuid).content.decode()


def test_names_of_environments_are_written_as_text(project, page):
    Place(project, ("<b>staging</b>",))
    assert "<b>staging" not in page().content.decode()


def test_the_api_says_the_same(place, page, told):
    failed_probe(place)
    answer = told(days=7).json()
    shown = page(days=7).context["report"]
    production = next(each for each in answer["environments"] if each["name"] == "production")["figures"]
    total = production["total"]
    assert (answer["days"], total["days"], len(production["periods"])) == (7, 7, 7)
    assert (total["deployments"], total["changes"], total["failed_changes"]) == (1, 2, 1)
    assert total["change_failure_rate"] == shown.total.failure_rate == 0.5
    assert total["lead_time"] == {
        "count": 1,
        "median_seconds": shown.total.lead.median,
        "p90_seconds": shown.total.lead.p90,
    }
    assert answer["figures"]["total"]["deployments"] > total["deployments"], "all environments together"


def test_the_api_says_null_where_there_is_nothing(place, told):
    total = told().json()["figures"]["total"]
    assert total["change_failure_rate"] is total["lead_time"]["median_seconds"] is None
    assert (total["days"], total["deployments_per_day"]) == (30, 0)


def test_the_api_knows_three_spans(place, told):
    assert [told(days=days).status_code for days in (7, 30, 90)] == [200, 200, 200]
    assert [told(days=days).status_code for days in (0, 8, "x")] == [400, 400, 400]


def test_a_stranger_sees_nothing(client, stranger, place):
    client.force_login(stranger)
    assert client.get(f"/projects/{place.project.uuid}/figures/").status_code == 404


def test_it_costs_the_same_for_many(place, page, told):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert page(environment="all").status_code == 200
            assert told().status_code == 200
        return len(queries)

    page(), told()
    failed_probe(place)
    few = cost()
    for number in range(10):
        release = place.release("More", minutes=500 + number)
        place.passed(place.deployment(release, "staging", "superseded", minutes=400 + number), 100)
        move = HealthMove.objects.create(environment=place.environments["staging"], went_to="bad")
        HealthMove.objects.filter(pk=move.pk).update(at=place.now - timedelta(minutes=number))
    Place(place.project, ("eu", "us"))
    assert cost() == few

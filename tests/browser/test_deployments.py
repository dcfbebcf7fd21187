"""The pages of deployments in a browser: every state, light and dark, wide and narrow; buttons ask; times run down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deployments.models import Stage
from deployments.services.announce import announce
from tests.browser import seed
from tests.browser.seed_deployments import STATES, Place, canary, waiting
from tests.browser.test_pages import LOOKS, breaches


def place_of(organization, name: str) -> Place:
    return Place(seed.make_project(organization, f"shop/{name}"))


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_state_is_whole(visitor, scheme, width):
    ada, shop = seed.make_people()
    page = visitor.page(ada, color_scheme=scheme, viewport={"width": width, "height": 800})
    wrong = []
    for name, make in STATES.items():
        place = place_of(shop, name)
        deployment = make(place)
        project = f"/projects/{place.project.uuid}"
        for address in (
            f"{project}/environments/",
            f"{project}/deployments/{deployment.uuid}/",
            f"{project}/releases/{deployment.release.number}/",
            f"{project}/environments/{deployment.environment.uuid}/rollback",
            f"{project}/freezes/",
            f"{project}/figures/",
        ):
            assert page.goto(address).status == 200, address
            wrong += [f"{name} {address} {line}" for line in breaches(page)]
            beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if beyond > 0:
                wrong.append(f"{name} {address} is {beyond} px too wide")
    assert wrong == []


def test_the_time_left_runs_down_and_moments_are_told_for_the_reader_too(visitor):
    ada, shop = seed.make_people()
    place = place_of(shop, "held")
    STATES["held"](place)
    rolling = place_of(shop, "canary")
    canary(rolling)
    page = visitor.page(ada, timezone_id="America/New_York")
    page.goto(f"/projects/{place.project.uuid}/environments/")
    page.wait_for_selector("time[data-moment]:has-text('for you')")
    page.goto(f"/projects/{rolling.project.uuid}/environments/")
    left = page.inner_text(".stage time[data-left]")
    page.wait_for_function("was => document.querySelector('.stage time[data-left]').textContent !== was", arg=left)


def test_a_button_that_acts_on_production_says_what_it_does_and_asks_once(visitor):
    ada, shop = seed.make_people()
    place = place_of(shop, "canary")
    rolling = canary(place)
    page = visitor.page(ada)
    page.goto(f"/projects/{place.project.uuid}/environments/")
    page.click("button:text-is('Pause')")
    assert "Pause release 2 in production? It stays at 10 %" in page.inner_text("dialog")
    assert breaches(page) == []
    page.click("dialog button:text-is('No')")
    rolling.refresh_from_db()
    assert rolling.paused_at is None
    page.click("button:text-is('Pause')")
    page.click("dialog button:text-is('Pause it')")
    page.wait_for_selector("button:text-is('Go on')")
    rolling.refresh_from_db()
    assert rolling.paused_at is not None


def test_somebody_approves_with_a_comment_by_keyboard(visitor):
    ada, shop = seed.make_people()
    place = place_of(shop, "waiting")
    asked = waiting(place)
    type(asked.release.build).objects.update(author_email="grace@example.com")
    page = visitor.page(ada)
    page.goto(f"/projects/{place.project.uuid}/environments/")
    page.focus("summary:text('Approve or reject')")
    page.keyboard.press("Enter")
    page.fill("input[name=comment]", "Looks good on staging")
    assert breaches(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=approved it")
    assert "Looks good on staging" in page.inner_text("#decisions")


def test_the_board_follows_and_keeps_what_is_being_typed(visitor):
    ada, shop = seed.make_people()
    place = place_of(shop, "waiting")
    asked = waiting(place)
    type(asked.release.build).objects.update(author_email="grace@example.com")
    page = visitor.page(ada)
    page.goto(f"/projects/{place.project.uuid}/environments/")
    page.click("summary:text('Approve or reject')")
    page.fill("input[name=comment]", "I am not done")
    place.live("production", "Hotfix by hand", minutes=3)
    announce(asked.pk)
    page.wait_for_selector(".live-box:has-text('Hotfix by hand')")
    assert page.input_value("input[name=comment]") == "I am not done"
    assert page.is_visible("input[name=comment]")


def test_what_is_looked_at_is_followed_without_news(visitor):
    ada, shop = seed.make_people()
    place = place_of(shop, "canary")
    rolling = canary(place)
    stage = rolling.stages.get(percent=10)
    Stage.objects.filter(pk=stage.pk).update(look_at=place.now)
    page = visitor.page(ada)
    page.goto(f"/projects/{place.project.uuid}/deployments/{rolling.uuid}/")
    page.wait_for_selector("text=24 tries")
    stage.probes.update(tries=25)
    page.wait_for_selector("text=25 tries")


def test_a_freeze_is_made_on_the_readers_clock(visitor):
    ada, shop = seed.make_people()
    place = place_of(shop, "canary")
    page = visitor.page(ada, timezone_id="Asia/Tokyo")
    page.goto(f"/projects/{place.project.uuid}/freezes/")
    assert page.input_value("input[name=zone]") == "Asia/Tokyo"
    page.fill("input[name=reason]", "Inventory")
    page.fill("input[name=ends_at]", f"{place.now + timedelta(days=3):%Y-%m-%d}T06:00")
    page.click("button:text-is('Freeze')")
    page.wait_for_selector(".freeze-row:has-text('Inventory')")
    assert shop.freezes.get().ends_at.strftime("%H:%M") == "21:00"

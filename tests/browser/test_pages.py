"""Every page, light and dark, wide and narrow: no error, no breach of accessibility, nothing that sticks out."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from builds.models import Job
from builds.services.move import move_build
from builds.services.trigger import BuildRequest, trigger
from builds.states import Status
from tests.browser import seed

LOOKS = [("light", 1440), ("dark", 1440), ("light", 360)]


def addresses(made: dict) -> list[str]:
    """The pages of this app."""
    failed, running, waiting, cancelled = (made[name] for name in ("failed", "running", "waiting", "cancelled"))
    project = f"/projects/{made['api'].uuid}"
    builds = [f"/projects/{one.project.uuid}/builds/{one.number}/" for one in (failed, running, waiting, cancelled)]
    lists = [
        "/",
        "/running",
        "/new",
        "/search?q=checkout",
        "/search?q=nothing-like-it",
        f"/projects/{made['empty'].uuid}/",
    ]
    return [*lists, f"{project}/", f"{project}/?q=branch:none", f"{project}/settings", f"{project}/setup", *builds]


def breaches(page) -> list[str]:
    """What axe finds, one line each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:300]}" for one in found for node in one["nodes"]
    ]


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_page_is_whole(visitor, scheme, width):
    made = seed.make_everything()
    page = visitor.page(made["user"], color_scheme=scheme, viewport={"width": width, "height": 800})
    wrong = []
    for address in addresses(made):
        answer = page.goto(address)
        assert answer.status == 200, address
        page.wait_for_function(
            "document.querySelector('.log-row') ? document.querySelector('[data-log-rows]').style.transform : true"
        )
        wrong += [f"{address} {line}" for line in breaches(page)]
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if beyond > 0:
            wrong.append(f"{address} is {beyond} px too wide")
    assert wrong == []


def test_errors_and_the_log_in_have_pages_too(visitor):
    page = visitor.page()
    page.goto("/login")
    assert breaches(page) == []
    page = visitor.page(seed.make_people()[0])
    assert page.goto("/projects/nothing").status == 404
    assert "There is nothing here." in page.inner_text("main")
    assert breaches(page) == []
    visitor.complaints.clear()  # the browser notes the 404 itself


def test_menus_work_by_keyboard_and_close_with_escape(visitor):
    page = visitor.page(seed.make_people()[0])
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.focus(".menu-left summary")
    page.keyboard.press("Enter")
    assert page.is_visible("text=Studio Nord")
    page.keyboard.press("Escape")
    assert not page.is_visible(".menu-left .menu-list")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"


def test_the_look_can_be_chosen_and_stays(visitor):
    page = visitor.page(seed.make_people()[0], color_scheme="light")
    page.goto("/")
    page.click(".menu-right summary")
    page.click("button:text('Dark')")
    page.goto("/running")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(18, 20, 23)"


def test_a_new_project_shows_its_secret_once(visitor):
    user, organization = seed.make_people()
    page = visitor.page(user)
    page.goto("/new")
    page.fill("[name=name]", "shop/new")
    page.fill("[name=repository_url]", "https://git.example.com/shop/new.git")
    page.click("button:text('Create project')")
    page.wait_for_url("**/setup")
    secret = organization.projects.get(name="shop/new").hook_secret
    assert secret in page.inner_text("main")
    assert "ssh-ed25519 " in page.inner_text("main")
    page.reload()
    assert secret not in page.content()


def test_lists_follow_what_happens(visitor):
    user, shop = seed.make_people()
    project = seed.make_project(shop, "shop/api")
    page = visitor.page(user)
    page.goto(f"/projects/{project.uuid}/")
    page.wait_for_selector("text=No build yet.")
    trigger(
        project, BuildRequest(ref="refs/heads/main", branch="main", commit="c" * 40, message="Live now"), who="test"
    )
    page.wait_for_selector("text=Live now")
    assert page.get_attribute(".build-row .state", "aria-label") == "Build state: queued"


def test_the_page_of_projects_and_what_runs_follow_what_happens(visitor):
    user, shop = seed.make_people()
    project = seed.make_project(shop, "shop/api")
    rows, running = visitor.page(user), visitor.page(user)
    rows.goto("/")
    rows.wait_for_selector("text=No build of main yet")
    running.goto("/running")
    build = trigger(
        project, BuildRequest(ref="refs/heads/main", branch="main", commit="c" * 40, message="Live here"), who="test"
    )
    rows.wait_for_selector(".project-row:has-text('Live here')")
    Job.objects.create(build=build, organization=shop, name="test", spec={}, status=Status.RUNNING)
    move_build(build.pk, Status.RUNNING, who="test")
    running.wait_for_selector("#running :text('Live here')")

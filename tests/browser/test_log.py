"""The log viewer: a million lines, permalinks, search, keys, and output as it comes."""

from __future__ import annotations

import itertools
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from builds.logs.writer import LogWriter
from builds.models import Build, Job, Step
from builds.services.announce import announce_builds, announce_step
from builds.states import Status
from tests.browser import seed

MILLION = 1_000_000
MOST_ROWS = 2000


@pytest.fixture
def team(transactional_db):
    """Ada and a project of hers."""
    user, shop = seed.make_people()
    return user, seed.make_project(shop, "shop/api")


def address(build: Build) -> str:
    return f"/projects/{build.project.uuid}/builds/{build.number}/"


def shown(page) -> list[int]:
    """The numbers of the lines that stand in the window, from top to bottom."""
    return page.evaluate(
        """() => {
          const box = document.querySelector('[data-log-view]').getBoundingClientRect();
          return [...document.querySelectorAll('.log-row')].filter((row) => {
            const place = row.getBoundingClientRect();
            return place.bottom > box.top + 2 && place.top < box.bottom - 2;
          }).map((row) => Number(row.querySelector('.log-n').textContent));
        }"""
    )


def rows(page) -> int:
    return page.locator(".log-row").count()


def scroll(page, to: str) -> None:
    page.evaluate(f"() => {{ const box = document.querySelector('[data-log-view]'); box.scrollTop = {to}; }}")


def line(page, number: int):
    """Wait for a line to be in the page with its text."""
    return page.wait_for_selector(f"#L{number}:not(.is-missing)")


def test_a_million_lines(visitor, team):
    user, project = team
    step = seed.big_log(project, MILLION)
    page = visitor.page(user)
    page.goto(address(step.job.build))
    line(page, MILLION)
    assert shown(page)[-1] == MILLION
    scroll(page, "0")
    line(page, 1)
    assert shown(page)[0] == 1
    scroll(page, "box.scrollHeight / 2")
    page.wait_for_function("() => !document.querySelector('.is-missing') && !document.querySelector('#L1')")
    middle = shown(page)
    assert abs(middle[0] - MILLION / 2) < 100
    assert middle == list(range(middle[0], middle[0] + len(middle)))
    assert f"{middle[0]:07d} the quick brown fox" in page.inner_text(f"#L{middle[0]} .log-t")
    assert rows(page) < MOST_ROWS


def test_the_wheel_moves_by_lines_however_long_the_log_is(visitor, team):
    user, project = team
    step = seed.big_log(project, MILLION)
    page = visitor.page(user)
    page.goto(f"{address(step.job.build)}?step={step.uuid}#L500000")
    line(page, 500_000)
    before = shown(page)[0]
    page.hover("[data-log-view]")
    page.mouse.wheel(0, 200)
    page.wait_for_function(
        f"() => !document.querySelector('#L{before - 59}') && document.querySelector('#L{before + 10}')"
    )
    assert abs(shown(page)[0] - (before + 10)) <= 1


def test_permalinks_ranges_and_the_address(visitor, team):
    user, project = team
    step = seed.big_log(project, 5000)
    page = visitor.page(user)
    page.goto(f"{address(step.job.build)}?step={step.uuid}#L1200-L1203")
    line(page, 1200)
    assert page.locator(".is-marked").count() == 4
    assert shown(page)[5] < 1200 < shown(page)[-5]  # not at an edge of the window
    page.click("#L1205 .log-n")
    assert page.url.endswith(f"?step={step.uuid}#L1205")
    page.click("#L1210 .log-n", modifiers=["Shift"])
    assert page.url.endswith("#L1205-L1210")
    page.reload()
    line(page, 1210)
    assert page.locator(".is-marked").count() == 6
    page.keyboard.press("Escape")
    assert page.locator(".is-marked").count() == 0


def test_search_looks_at_all_lines(visitor, team):
    user, project = team
    step = seed.big_log(project, 30_000)
    page = visitor.page(user)
    page.goto(address(step.job.build))
    line(page, 30_000)
    page.keyboard.press("/")
    page.keyboard.type("00123")
    page.wait_for_selector("[data-log-found]:has-text('of 111')")
    page.keyboard.press("Enter")
    page.wait_for_selector(".is-current")
    first = int(page.inner_text(".is-current .log-n"))
    page.keyboard.press("Enter")
    page.wait_for_function(
        f"() => document.querySelector('.is-current .log-n') && document.querySelector('.is-current .log-n').textContent != '{first}'"
    )
    page.wait_for_selector(".is-current:not(.is-missing):has-text('00123')")
    page.keyboard.press("Escape")
    assert page.locator(".is-found").count() == 0


def test_wrapped_lines_stay_where_they_are(visitor, team):
    user, project = team
    build = seed.running_build(project)
    step = Step.objects.get(name="install")
    step.segments.all().delete()
    seed.write_log(step, b"".join(b"%d %s\n" % (n, b"long words " * (n % 60)) for n in range(1, 3001)))
    page = visitor.page(user)
    page.goto(f"{address(build)}?step={step.uuid}#L1500")
    line(page, 1500)
    page.keyboard.press("w")
    page.wait_for_selector(".wraps")
    page.wait_for_function("() => document.querySelector('#L1500')")
    heights = page.evaluate(
        "() => [...document.querySelectorAll('.log-row')].map((row) => row.getBoundingClientRect())"
    )
    tops = [box["top"] for box in heights]
    assert tops == sorted(tops)
    assert all(abs(a["bottom"] - b["top"]) < 1 for a, b in itertools.pairwise(heights))
    assert max(box["height"] for box in heights) > 20
    assert page.evaluate(
        "() => document.querySelector('[data-log-view]').scrollWidth <= document.querySelector('[data-log-view]').clientWidth"
    )
    page.keyboard.press("G")
    line(page, 3000)
    assert shown(page)[-1] == 3000
    page.keyboard.press("w")
    page.wait_for_selector(".log-view:not(.wraps)")


def test_keys(visitor, team):
    user, project = team
    build = seed.failed_build(project, timezone.now() - timedelta(minutes=5))
    page = visitor.page(user)
    page.goto(address(build))
    line(page, 22)
    page.keyboard.press("t")
    page.wait_for_selector(".log-ms")
    page.keyboard.press("f")
    page.wait_for_selector("#L17.is-marked")
    page.keyboard.press("f")
    page.wait_for_selector("#L18.is-marked")
    page.keyboard.press("k")
    page.wait_for_selector("[data-log-title]:has-text('install')")
    page.wait_for_selector("[data-log-command]:has-text('pip install -r requirements.txt')")
    line(page, 1)
    page.keyboard.press("?")
    assert page.is_visible("dialog.keys-help")
    page.uncheck("dialog input")
    page.keyboard.press("Escape")
    page.wait_for_selector(".log-ms")
    page.keyboard.press("t")
    page.wait_for_selector(".log-ms")  # single keys are off: the times stay
    page.keyboard.press("?")
    assert page.is_visible("dialog.keys-help")


def test_the_tree_by_keyboard(visitor, team):
    user, project = team
    build = seed.failed_build(project, timezone.now() - timedelta(minutes=5))
    page = visitor.page(user)
    page.goto(address(build))
    assert page.locator('[role=treeitem][tabindex="0"]').count() == 1
    page.focus('[role=treeitem][tabindex="0"]')
    focused = "document.activeElement.querySelector('.node-name .clip').textContent"
    assert page.evaluate(focused) == "unit"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(focused) == "checks"
    page.keyboard.press("ArrowLeft")
    assert not page.is_visible("[role=treeitem]:has-text('browser')")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == "browser"
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-log-title]:has-text('browser')")
    assert page.get_attribute('[aria-selected="true"]', "data-step") in page.url
    page.go_back()
    page.wait_for_selector("[data-log-foot]")


def test_the_verdict_leads_to_the_line(visitor, team):
    user, project = team
    build = seed.failed_build(project, timezone.now() - timedelta(minutes=5))
    page = visitor.page(user)
    page.goto(f"{address(build)}?step={Step.objects.get(name='ruff').uuid}")
    line(page, 1)
    page.click("#verdict a")
    page.wait_for_selector(".is-marked")
    assert page.inner_text("[data-log-title]") == "unit"


def test_output_is_followed_as_it_comes(visitor, team, tmp_path):
    user, project = team
    build = seed.running_build(project)
    step = Step.objects.get(name="unit")
    page = visitor.page(user)
    page.goto(address(build))
    page.wait_for_selector("text=it has printed nothing yet")
    writer = LogWriter(step, guard=lambda: None, spool_dir=Path(tempfile.mkdtemp(dir=tmp_path)), cap_bytes=1024**3)
    try:
        writer.write(b"".join(b"line %d\n" % number for number in range(1, 2001)))
        line(page, 2000)
        assert shown(page)[-1] == 2000
        scroll(page, "100")
        page.wait_for_selector("[data-log-do=end]:visible")
        writer.write(b"more\n10%\r")
        page.wait_for_function("() => document.querySelector('[data-log-view]').scrollHeight >= 2002 * 20")
        assert 2001 not in shown(page)
        page.click("[data-log-do=end]")
        page.wait_for_selector("#L2002:has-text('10%')")
        writer.write(b"100%")
        page.wait_for_selector("#L2002:has-text('100%')")
        assert shown(page)[-1] == 2002
        writer.write(b"".join(b"flood %d\n" % number for number in range(100_000)))
        page.wait_for_selector("text=flood 99999")
        assert rows(page) < MOST_ROWS
    finally:
        writer.close()
    now = timezone.now()
    Step.objects.filter(pk=step.pk).update(
        status=Status.FAILED, exit_code=137, failure="out_of_memory", finished_at=now
    )
    Job.objects.filter(build=build).update(status=Status.FAILED, finished_at=now)
    Build.objects.filter(pk=build.pk).update(status=Status.FAILED, finished_at=now)
    step.refresh_from_db()
    announce_step(step)
    announce_builds([Build.objects.get(pk=build.pk)])
    page.wait_for_selector("#verdict:has-text('ran out of memory')")
    page.wait_for_selector("[data-log-foot]:has-text('exit 137: killed')")
    assert page.title().startswith(f"#{build.number} failed")
    assert "favicon-failed" in page.get_attribute("#favicon", "href")
    assert "Failed in" in page.inner_text("#announce")


def test_without_scripts_the_log_can_be_read(visitor, team):
    user, project = team
    step = seed.big_log(project, 2500)
    page = visitor.page(user, java_script_enabled=False)
    page.goto(address(step.job.build))
    assert "0002500 the quick brown fox" in page.inner_text("#L2500")
    page.click("text=Earlier lines")
    assert "0000501 the quick" in page.inner_text("#L501")
    page.click("#L700 .log-n")
    assert page.url.endswith("#L700")
    assert page.is_visible("text=Run again")
    assert not page.is_visible("text=Wrap")


def test_hostile_output_is_text(visitor, team):
    user, project = team
    build = seed.running_build(project)
    step = Step.objects.get(name="install")
    step.segments.all().delete()
    seed.write_log(
        step,
        b"<img src=x onerror=alert(1)>\n\x1b]8;;javascript:alert(1)\x07x\x1b]8;;\x07\n\xff\xfe\x00\n"
        + b"A" * 200_000
        + b"\n",
    )
    page = visitor.page(user)
    page.goto(f"{address(build)}?step={step.uuid}")
    line(page, 4)
    assert page.inner_text("#L1 .log-t") == "<img src=x onerror=alert(1)>"
    assert page.locator(".log-t img, .log-t a[href^=javascript]").count() == 0

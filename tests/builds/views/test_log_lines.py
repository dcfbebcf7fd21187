"""The log of a step over HTTP: ranges, growth, search, raw text, gaps."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpResponse
from django.test import AsyncClient

from builds.logs import read
from builds.models import Segment, Step
from builds.views.log_pane import stretch
from tests.browser import seed


@pytest.fixture
def step(project) -> Step:
    """A step that printed 3000 numbered lines."""
    return seed.big_log(project, 3000)


@pytest.fixture
def ask(client, member, step):
    """Ask for something of the step."""
    client.force_login(member)
    build = step.job.build
    base = f"/projects/{build.project.uuid}/builds/{build.number}/steps/{step.uuid}"
    return lambda what, **query: client.get(f"{base}/{what}", query)


def test_a_range(ask):
    answer = ask("lines", **{"from": 1200, "limit": 3}).json()
    assert [line[2] for line in answer["lines"]] == [1200, 1201, 1202]
    assert answer["lines"][0][0].startswith("0001200 the quick brown fox")
    assert (answer["total"], answer["ended"]) == (3000, True)
    assert answer["lines"][0][1] > 0


def test_what_is_new_is_never_more_than_the_limit(ask):
    assert [line[2] for line in ask("lines", since=2999, limit=300).json()["lines"]] == [2999, 3000]
    answer = ask("lines", since=1, limit=300).json()
    assert answer["lines"][0][2] == 2701
    assert answer["lines"][-1][2] == 3000


@pytest.mark.parametrize("limit", [1, 10, 24, 25, 26, 1000])
@pytest.mark.parametrize("since", [0, 1, 2, 15, 16, 24, 25, 26, 999])
def test_who_falls_behind_gets_the_last_lines_at_one_look(project, since, limit, django_assert_max_num_queries):
    step = seed.big_log(project, 25)
    with django_assert_max_num_queries(3):
        shown = stretch(step, since, limit, or_last=True)
    expected = read.lines(step, since, limit)
    if expected.total - since >= limit:
        expected = read.last_lines(step, limit)
    assert [row.number for row in shown.rows] == [row.number for row in expected.rows]
    assert (shown.total, shown.first) == (25, expected.rows[0].number if expected.rows else since)


@pytest.mark.parametrize("query", [{"from": "x"}, {"from": "-5"}, {"from": "9" * 15}, {"since": "²"}, {"limit": "0"}])
def test_any_number_gets_an_answer(ask, query):
    assert ask("lines", **query).status_code == 200


def test_no_more_than_a_thousand_lines_at_once(ask):
    assert len(ask("lines", **{"from": 1, "limit": 999_999}).json()["lines"]) == 1000


def test_markup_in_a_log_is_text(client, member, project):
    build = seed.running_build(project)
    step = Step.objects.get(name="unit")
    seed.write_log(step, b"<script>alert(1)</script>\n")
    client.force_login(member)
    base = f"/projects/{project.uuid}/builds/{build.number}"
    assert (
        client.get(f"{base}/steps/{step.uuid}/lines").json()["lines"][0][0] == "&lt;script&gt;alert(1)&lt;/script&gt;"
    )
    assert "<script>alert" not in client.get(f"{base}/?step={step.uuid}").content.decode()


def test_search(ask):
    answer = ask("search", q="0002345 THE").json()
    assert answer == {"lines": [2345], "more": False}
    assert ask("search", q="").json() == {"lines": [], "more": False}
    many = ask("search", q="fox").json()
    assert (len(many["lines"]), many["more"]) == (1000, True)


def test_lost_lines_are_one_row_that_says_so(ask, step):
    Segment.objects.filter(step=step).delete()
    answer = ask("lines", **{"from": 1, "limit": 10}).json()
    assert [line[3] for line in answer["lines"]] == [3000]
    assert "3000 lines" in answer["lines"][0][0]


def test_raw_text_is_what_was_printed(transactional_db, member, step):
    build = step.job.build
    address = f"/projects/{build.project.uuid}/builds/{build.number}/steps/{step.uuid}/raw?download"

    async def download() -> tuple[HttpResponse, bytes]:
        browser = AsyncClient()
        await browser.aforce_login(member)
        answer = await browser.get(address)
        text = b"".join([part async for part in answer.streaming_content])
        await sync_to_async(connections.close_all)()
        return answer, text

    answer, text = asyncio.run(download())
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="shopapi-{build.number}-noise.log"'
    assert text.count(b"\n") == 3000
    assert text.startswith(b"0000001 the quick brown fox \x1b[31mjumps")


def test_a_step_is_found_only_under_its_own_build(client, member, step, make_build):
    client.force_login(member)
    other = make_build()
    assert (
        client.get(f"/projects/{other.project.uuid}/builds/{other.number}/steps/{step.uuid}/lines").status_code == 404
    )

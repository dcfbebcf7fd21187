"""The log of a step over the API."""

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from builds.logs import live
from builds.logs.writer import LogWriter
from tests.builds.api.conftest import with_token

pytestmark = pytest.mark.django_db(transaction=True)
LINES = b"".join(b"line %d\n" % number for number in range(1, 101))


@pytest.fixture
def print_log(tmp_path, settings):
    """Has a step print something, whole."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "storage")},
        },
    }

    def print_all(step, data):
        writer = LogWriter(step, guard=lambda: None, spool_dir=tmp_path / "spool", cap_bytes=2**20)
        writer.write(data)
        writer.close()
        return step

    yield print_all
    live.disconnect()


@pytest.fixture
def log_url(builds_url):
    return lambda step: f"{builds_url}/{step.job.build.uuid}/steps/{step.uuid}/log"


@pytest.mark.parametrize(
    ("asked", "first", "last", "next_line"),
    [
        ({"from_line": 1}, 1, 100, None),
        ({"limit": 10}, 1, 10, "11"),
        ({"from_line": 11, "limit": 10}, 11, 20, "21"),
        ({"from_line": 95, "limit": 10}, 95, 100, None),
        ({"from_line": 100}, 100, 100, None),
        ({"from_line": 1, "limit": 10**9}, 1, 100, None),
    ],
)
def test_a_range_of_lines(api, log_url, make_step, print_log, asked, first, last, next_line):
    step = print_log(make_step(), LINES)
    response = api.get(log_url(step), asked)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Total-Lines"] == "100"
    assert response.headers.get("X-Next-Line") == next_line
    assert response.content == b"".join(b"line %d\n" % number for number in range(first, last + 1))


def test_beyond_the_end_there_is_nothing(api, log_url, make_step, print_log):
    response = api.get(log_url(print_log(make_step(), LINES)), {"from_line": 101})
    assert (response.content, response.headers.get("X-Next-Line")) == (b"", None)


def test_a_step_that_runs_says_where_to_go_on(api, log_url, make_step):
    response = api.get(log_url(make_step(status="running")), {"from_line": 7})
    assert (response.content, response["X-Next-Line"], response["X-Log-Ended"]) == (b"", "7", "false")


@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff\xfe\n", b"\x1b[31mred\x1b[0m\n", b"no end", b"<script>alert(1)</script>\n"]
)
def test_the_whole_log_comes_as_it_was_printed(owner, log_url, make_step, print_log, data):
    url = log_url(print_log(make_step(), data))
    client = with_token(owner, AsyncClient)

    async def whole():
        response = await client.get(url)
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        return b"".join([part async for part in response.streaming_content])

    assert async_to_sync(whole)() == data


@pytest.mark.parametrize(
    "asked", [{"from_line": 0}, {"from_line": -1}, {"limit": 0}, {"limit": "x"}, {"from_line": 2**70}]
)
def test_lines_that_cannot_be_are_refused(api, log_url, make_step, asked):
    assert api.get(log_url(make_step()), asked).status_code == 400


def test_for_strangers_there_is_no_log(api_of, stranger, client, log_url, make_step):
    url = log_url(make_step())
    assert api_of(stranger).get(url, {"from_line": 1}).status_code == 404
    assert api_of(stranger).get(url).status_code == 404
    assert client.get(url).status_code == 401


def test_a_step_is_not_found_under_another_build(api, builds_url, make_step, make_build):
    step = make_step()
    assert api.get(f"{builds_url}/{make_build().uuid}/steps/{step.uuid}/log").status_code == 404

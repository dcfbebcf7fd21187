"""A build's events over the API."""

import json

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from builds.logs import live
from tests.builds.api.conftest import with_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_open_connections():
    yield
    live.disconnect()


def read_events(client, url, **headers):
    """Read the stream to its end: [(event, data)], and the answer's headers."""

    async def read():
        response = await client.get(url, headers=headers)
        assert response.status_code == 200, response.content
        body = b"".join([part async for part in response.streaming_content]).decode()
        blocks = [
            dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in body.split("\n\n")
        ]
        return [(block.get("event"), json.loads(block["data"])) for block in blocks if "data" in block], response

    return async_to_sync(read)()


def test_a_build_that_ended_is_told_and_over(owner, builds_url, make_build):
    build = make_build(status="passed")
    events, response = read_events(with_token(owner, AsyncClient), f"{builds_url}/{build.uuid}/events")
    assert response["Content-Type"] == "text/event-stream"
    assert "no-cache" in response["Cache-Control"]
    assert events[0][1]["type"] == "sync"
    assert events[-1] == ("end", {"status": "passed"})


def test_it_is_not_there_for_others(api_of, stranger, client, builds_url, make_build):
    build = make_build()
    url = f"{builds_url}/{build.uuid}/events"
    assert client.get(url).status_code == 401
    assert api_of(stranger).get(url).status_code == 404


def test_a_step_of_another_build_is_not_there(api, builds_url, make_build, make_step):
    step = make_step()
    assert api.get(f"{builds_url}/{make_build().uuid}/events", {"step": str(step.uuid)}).status_code == 404


@pytest.mark.parametrize("asked", [{"step": "x"}, {"from_byte": -1}, {"from_byte": "x"}])
def test_what_cannot_be_watched_is_refused(api, builds_url, make_build, asked):
    assert api.get(f"{builds_url}/{make_build().uuid}/events", asked).status_code == 400

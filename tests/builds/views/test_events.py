"""Streams of events: who gets them, and how they begin."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from builds.logs import live


@pytest.fixture
def rows(transactional_db, make_build):
    """A build that others can see while the test runs."""
    yield make_build()
    live.disconnect()


async def first_parts(user: object, address: str, count: int) -> tuple[object, list[bytes]]:
    """The answer, and the first parts of its stream."""
    browser = AsyncClient()
    await browser.aforce_login(user)
    answer = await browser.get(address)
    parts: list[bytes] = []
    if answer.streaming:
        stream = aiter(answer.streaming_content)
        async with asyncio.timeout(20):
            while len(parts) < count:
                parts.append(await anext(stream))
        await answer._iterator.aclose()
    await sync_to_async(connections.close_all)()
    return answer, parts


def test_a_builds_page_hears_how_it_stands(rows, member):
    address = f"/projects/{rows.project.uuid}/builds/{rows.number}/events"
    answer, parts = asyncio.run(first_parts(member, address, 2))
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert parts[0].startswith(b"retry: ")
    assert b'"status":"queued"' in parts[1]


@pytest.mark.parametrize("name", ["project", "projects"])
def test_lists_have_streams(rows, member, name):
    address = "/events" if name == "projects" else f"/projects/{rows.project.uuid}/events"
    answer, parts = asyncio.run(first_parts(member, address, 1))
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert parts[0].startswith(b"retry: ")


def test_strangers_hear_nothing(rows, stranger):
    for address in (f"/projects/{rows.project.uuid}/events", f"/projects/{rows.project.uuid}/builds/1/events"):
        answer, _ = asyncio.run(first_parts(stranger, address, 0))
        assert answer.status_code == 404

"""Streams: what comes live and what is resumed is together exactly what was printed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import threading
from html import unescape

import pytest
from django.db import connections

from builds.logs import live, stream
from builds.logs.events import Form
from builds.logs.hub import Hub
from builds.states import Status
from tests.servers import Redis

pytestmark = pytest.mark.django_db(transaction=True)
WAIT_SECONDS = 20


def parse(event: bytes) -> tuple[str, dict, str]:
    """(type, data, id) of one event."""
    fields = dict(
        line.split(": ", 1) for line in event.decode().splitlines() if ": " in line and not line.startswith(":")
    )
    return fields.get("event", ""), json.loads(fields.get("data", "{}")), fields.get("id", "")


class Browser:
    """Collects what a stream sends, as a page does: rows replace each other by number, text is added up."""

    def __init__(self) -> None:
        self.rows: dict[int, str] = {}
        self.text = ""
        self.types: list[str] = []
        self.last_id = ""
        self.total = 0
        self.ended = False

    def take(self, event: bytes) -> str:
        kind, data, event_id = parse(event)
        if kind:
            self.types.append(kind)
        self.last_id = event_id or self.last_id
        if kind == "log":
            self.total = data.get("total", self.total)
            self.ended = self.ended or data["ended"]
            self.text += data.get("text", "")
            for number, _, html in data.get("rows", ()):
                self.rows[number] = unescape(re.sub(r"<[^>]*>", "", html))
        return kind

    async def watch(self, source, until) -> Browser:
        """Take events until `until(self)`, then leave."""
        async with contextlib.aclosing(source), asyncio.timeout(WAIT_SECONDS):
            async for event in source:
                self.take(event)
                if until(self):
                    break
        return self


def lines(count: int, start: int = 0) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(start, start + count))


def finish(step, status=Status.PASSED) -> None:
    """Step, job and build are over, and everybody is told."""
    type(step).objects.filter(pk=step.pk).update(status=status)
    type(step.job).objects.filter(pk=step.job_id).update(status=status)
    build = step.job.build
    type(build).objects.filter(pk=build.pk).update(status=status)
    live.publish(f"build:{build.uuid}", {"type": "build", "uuid": str(build.uuid), "status": status})


def follow(step, **options):
    return stream.build_stream(str(step.job.build.uuid), step_uuid=str(step.uuid), **options)


@pytest.mark.parametrize("form", [Form.HTML, Form.TEXT])
def test_a_page_sees_what_is_printed_while_it_watches_and_then_the_end(make_step, make_writer, form):
    step, printed = make_step(), lines(2000)
    writer = make_writer(step)
    writer.write(lines(5))

    def rest() -> None:
        for start in range(5, 2000, 7):
            writer.write(lines(min(7, 2000 - start), start))
        writer.close()
        finish(step)
        connections.close_all()

    async def scenario() -> Browser:
        browser = Browser()
        thread = threading.Thread(target=rest)

        def seen(browser: Browser) -> bool:
            if thread.ident is None and (browser.rows or browser.text):
                thread.start()
            return "end" in browser.types

        await browser.watch(follow(step, form=form), seen)
        await asyncio.to_thread(thread.join)
        return browser

    browser = asyncio.run(scenario())
    if form == Form.TEXT:
        assert hashlib.sha256(browser.text.encode()).digest() == hashlib.sha256(printed).digest()
    else:
        assert [browser.rows[number] for number in sorted(browser.rows)] == printed.decode().splitlines()
    assert browser.types[-1] == "end"
    assert browser.ended

"""Streams: what comes live and what is resumed is together exactly what was printed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import threading

import pytest
from django.db import connections

from builds.logs import live, segments, stream
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
    """Collects what a stream sends, as a page or a program does."""

    def __init__(self) -> None:
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
        self.total = data.get("total", self.total)
        if kind == "log":
            self.ended = self.ended or data["ended"]
            self.text += data.get("text", "")
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


def close(writer) -> None:
    """Close a writer in a thread, and the connection that this took: the thread is forgotten, its connection is not."""
    writer.close()
    connections.close_all()


def follow(step, **options):
    return stream.build_stream(str(step.job.build.uuid), step_uuid=str(step.uuid), **options)


def test_a_page_sees_what_is_printed_while_it_watches_and_then_the_end(make_step, make_writer):
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
            if thread.ident is None and browser.text:
                thread.start()
            return "end" in browser.types

        await browser.watch(follow(step), seen)
        await asyncio.to_thread(thread.join)
        return browser

    browser = asyncio.run(scenario())
    assert hashlib.sha256(browser.text.encode()).digest() == hashlib.sha256(printed).digest()
    assert browser.types[-1] == "end"
    assert browser.ended


def test_a_page_that_comes_back_goes_on_where_it_was(make_step, make_writer):
    step = make_step()
    writer, printed = make_writer(step), lines(3000)

    async def scenario() -> tuple[str, int]:
        text, last_id, visits = "", "", 0
        sent = 0
        while len(text) < len(printed):
            visits += 1
            writer.write(printed[sent : sent + 5000])
            sent += 5000
            browser, wanted = Browser(), len(text) + 1500
            source = follow(step, last_event_id=last_id)
            await browser.watch(
                source,
                lambda browser, wanted=wanted, text=text: len(text) + len(browser.text) >= min(wanted, len(printed)),
            )
            text, last_id = text + browser.text, browser.last_id or last_id
            assert last_id == str(len(text))
        return text, visits

    text, visits = asyncio.run(scenario())
    assert visits > 3
    assert hashlib.sha256(text.encode()).digest() == hashlib.sha256(printed).digest()


def test_letters_of_many_bytes_are_never_cut(make_step, make_writer):
    step = make_step()
    printed = "größer 😀 weiß\n" * 400
    data = printed.encode()
    writer = make_writer(step)
    writer.write(data[:1001])

    async def scenario() -> str:
        first = await Browser().watch(follow(step), lambda browser: len(browser.text) > 700)
        writer.write(data[1001:2002])
        writer.write(data[2002:3003])
        second = await Browser().watch(
            follow(step, last_event_id=first.last_id),
            lambda browser: int(browser.last_id or 0) > 2995,
        )
        writer.write(data[3003:])
        await asyncio.to_thread(close, writer)
        third = await Browser().watch(follow(step, last_event_id=second.last_id), lambda browser: browser.ended)
        return first.text + second.text + third.text

    assert asyncio.run(scenario()) == printed


def test_an_unfinished_line_is_seen_as_it_grows(make_step, make_writer):
    step = make_step()
    writer = make_writer(step)
    writer.write(b"one\ntw")

    async def scenario() -> list[str]:
        seen = []

        def until(browser: Browser) -> bool:
            if browser.text not in ("", *seen):
                seen.append(browser.text)
                writer.write({1: b"o 10%", 2: b"\rTWO 20%\nthree\n"}.get(len(seen), b""))
            return browser.text.endswith("three\n")

        await Browser().watch(follow(step), until)
        return seen

    assert asyncio.run(scenario()) == ["one\ntw", "one\ntwo 10%", "one\ntwo 10%\rTWO 20%\nthree\n"]


def test_who_is_far_behind_goes_on_at_the_end(make_step, print_log):
    step = make_step()
    print_log(step, lines(100_000))
    page = stream.build_stream(str(step.job.build.uuid))
    browser = asyncio.run(Browser().watch(page, lambda browser: browser.total > 0))
    assert browser.types == ["message", "log"]
    assert browser.total == 100_000


def test_programs_get_every_byte_however_far_behind(make_step, print_log):
    step, printed = make_step(), lines(100_000)
    print_log(step, printed)
    finish(step)
    browser = asyncio.run(Browser().watch(follow(step), lambda browser: "end" in browser.types))
    assert browser.text == printed.decode()


def test_programs_begin_at_any_byte(make_step, print_log, monkeypatch):
    monkeypatch.setattr(segments, "FRAME_BYTES", 10)
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 30)
    step, printed = make_step(), lines(10)
    print_log(step, printed)
    finish(step)

    async def scenario() -> list[str]:
        begins = [follow(step, from_byte=start) for start in range(len(printed) + 3)]
        return [(await Browser().watch(begin, lambda browser: "end" in browser.types)).text for begin in begins]

    text = printed.decode()
    assert asyncio.run(scenario()) == [text[start:] for start in range(len(printed) + 3)]


def test_a_flood_is_a_few_hints_for_pages_and_every_byte_for_programs(make_step, make_writer):
    step, printed = make_step(), lines(50_000)
    writer, build = make_writer(step), str(step.job.build.uuid)

    async def scenario() -> tuple[Browser, Browser]:
        page, program = Browser(), Browser()
        watching = asyncio.gather(
            page.watch(stream.build_stream(build), lambda page: page.total == 50_000),
            program.watch(follow(step), lambda program: len(program.text) >= len(printed)),
        )
        await until(lambda: "log" in page.types and program.types)
        writer.write(printed)
        await watching
        return page, program

    page, program = asyncio.run(scenario())
    assert page.types.count("log") < 10
    assert program.text == printed.decode()


def test_what_is_to_be_had_nowhere_is_said_to_be_skipped(make_step, monkeypatch):
    step = make_step()
    live.append(step.uuid, [live.Chunk(0, 0, True, 1, b"one\n")])
    monkeypatch.setattr(live, "tail", lambda step_uuid: live.Tail())

    def act(browser: Browser) -> bool:
        if browser.text == "one\n" and "skip" not in browser.types:
            live.append(step.uuid, [live.Chunk(14, 3, True, 2, b"four\n")])
        return browser.text.endswith("four\n")

    browser = asyncio.run(Browser().watch(follow(step), act))
    assert browser.text == "one\nfour\n"
    assert browser.types == ["message", "log", "skip", "log"]
    assert (browser.total, browser.last_id) == (4, "19")


@pytest.mark.parametrize("printed", [b"one\ntwo\n", b"one\ntw"])
def test_a_page_without_a_step_hears_that_logs_grow(make_step, make_writer, printed):
    step = make_step()
    writer = make_writer(step)
    build = str(step.job.build.uuid)

    async def scenario() -> list[dict]:
        hints = []
        async with contextlib.aclosing(stream.build_stream(build)) as source, asyncio.timeout(WAIT_SECONDS):
            async for event in source:
                kind, data, _ = parse(event)
                if kind == "message":
                    writer.write(printed)
                if kind == "log" and data["total"]:  # it may hear of the log before there is a line in it
                    hints.append(data)
                    if data["ended"]:
                        return hints
                    await asyncio.to_thread(close, writer)
        return hints

    hints = asyncio.run(scenario())
    assert [(hint["uuid"], hint["total"]) for hint in hints] == [(str(step.uuid), 2)] * 2


def test_events_of_topics_are_passed_on(project):
    topics = [f"project:{project.uuid}", "organization:x"]

    async def scenario() -> list[tuple[str, dict]]:
        heard = []
        async with contextlib.aclosing(stream.topic_stream(topics)) as source, asyncio.timeout(WAIT_SECONDS):
            assert (await anext(source)).startswith(b"retry:")
            news = asyncio.ensure_future(anext(source))
            channels = Hub.current()._channels
            await until(lambda: len(channels) == 2 and all(channel.is_ready for channel in channels.values()))
            live.publish(topics[0], {"type": "build", "uuid": "1", "text": "a\nevent: evil"})
            live.publish(topics[1], {"type": "not a word", "uuid": "2"})
            heard.append(parse(await news)[:2])
            heard.append(parse(await anext(source))[:2])
        return heard

    assert sorted(asyncio.run(scenario())) == [
        ("build", {"type": "build", "uuid": "1", "text": "a\nevent: evil"}),
        ("message", {"type": "not a word", "uuid": "2"}),
    ]


async def until(condition) -> None:
    """Wait in the event loop."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


def test_who_does_not_keep_up_is_dropped_and_the_others_are_not(make_step, make_writer):
    step = make_step()
    writer = make_writer(step)

    async def scenario() -> tuple[Browser, Browser, Browser, str]:
        slow, slow_source, quick = Browser(), follow(step), Browser()
        slow.take(await anext(slow_source))
        slow.take(await anext(slow_source))
        sent = 0

        def print_more(browser: Browser) -> bool:
            nonlocal sent
            writer.write(lines(600, sent))
            sent += 600
            return sent > 80_000

        await quick.watch(follow(step), print_more)
        async with asyncio.timeout(WAIT_SECONDS):
            async for event in slow_source:
                slow.take(event)
        writer.write(lines(3, sent))
        back = Browser()
        printed = lines(sent + 3).decode()
        await back.watch(
            follow(step, last_event_id=slow.last_id), lambda back: len(slow.text) + len(back.text) >= len(printed)
        )
        return slow, quick, back, printed

    slow, quick, back, printed = asyncio.run(scenario())
    assert len(quick.text.splitlines()) > 79_000
    assert printed.startswith(quick.text)
    assert "end" not in slow.types, "it was dropped"
    assert slow.text + back.text == printed


def test_a_stream_survives_a_restart_of_redis(make_step, make_writer, settings):
    server = Redis()
    server.start()
    settings.REDIS_URL = server.url
    live.disconnect()
    step = make_step()
    writer = make_writer(step)
    writer.write(b"before\n")

    async def scenario() -> Browser:
        browser = Browser()
        watching = asyncio.create_task(browser.watch(follow(step), lambda browser: browser.text.endswith("after\n")))
        await until(lambda: browser.text == "before\n")
        server.kill()
        await until(lambda: Hub.current().is_away)
        server.start()
        writer.write(b"after\n")
        return await watching

    try:
        browser = asyncio.run(scenario())
        assert browser.text == "before\nafter\n"
        assert browser.types.count("message") >= 2, "after the restart the rows were read again"
    finally:
        writer.close()
        live.disconnect()
        server.remove()


def test_without_redis_pages_look_at_the_rows(make_step, print_log, settings):
    settings.REDIS_URL = "unix:///nowhere/at/all"
    step = make_step()

    async def scenario() -> Browser:
        printed = []

        def act(browser: Browser) -> bool:
            if not printed:
                printed.append(threading.Thread(target=rest))
                printed[0].start()
            if "end" in browser.types:
                printed[0].join()
                return True
            return False

        def rest() -> None:
            print_log(step, b"one\n", b"two\n")
            finish(step)
            connections.close_all()

        return await Browser().watch(follow(step), act)

    browser = asyncio.run(scenario())
    assert browser.text == "one\ntwo\n"


def test_streams_end_when_the_server_shuts_down(make_step, monkeypatch):
    step, ending = make_step(), []
    monkeypatch.setattr("builds.logs.hub._ending", [])
    stream.end_streams_when(lambda: bool(ending))

    def act(browser: Browser) -> bool:
        ending.append(True)
        return False

    browser = asyncio.run(Browser().watch(follow(step), act))
    assert "end" not in browser.types


def test_streams_have_an_end_of_their_own(make_step, monkeypatch):
    monkeypatch.setattr(stream, "AGE_SECONDS", 0.3)
    browser = asyncio.run(Browser().watch(follow(make_step()), lambda browser: False))
    assert browser.types == ["message"]


def test_a_quiet_stream_is_kept_open(make_step, monkeypatch):
    monkeypatch.setattr(stream, "PING_SECONDS", 0.05)

    async def scenario() -> bytes:
        async with contextlib.aclosing(follow(make_step_in_thread)) as source, asyncio.timeout(WAIT_SECONDS):
            return await anext(event async for event in source if event.startswith(b":"))

    make_step_in_thread = make_step()
    monkeypatch.setattr(stream, "AGE_SECONDS", 1.0)
    assert asyncio.run(scenario()) == b": ping\n\n"


def test_leaving_closes_the_connection(make_step):
    step = make_step()

    async def scenario() -> tuple[bool, bool]:
        async with contextlib.aclosing(follow(step)) as source:
            await anext(source)
            await anext(source)
            during = Hub.current()._follower is not None
        return during, Hub.current()._follower is None

    assert asyncio.run(scenario()) == (True, True)


def test_a_build_that_is_not_there_ends_at_once():
    browser = asyncio.run(
        Browser().watch(stream.build_stream("00000000-0000-4000-8000-000000000000"), lambda browser: False)
    )
    assert browser.types == ["message", "end"]


@pytest.mark.parametrize(
    ("last", "offset"), [("", 7), ("12", 12), ("-1", 7), ("abc", 7), ("٣", 7), ("9" * 40, 7), ("0", 0)]
)
def test_what_a_browser_says_of_its_place_may_be_anything(last, offset):
    assert stream.offset_of(last, 7) == offset

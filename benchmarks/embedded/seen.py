"""How long a line takes from being printed to being seen: by a program, by a browser, by a thousand that follow one log.

Each printed line says when it was printed, in seconds since the machine was started, to the hundredth.
"""

from __future__ import annotations

import asyncio
import math
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.figures import Spread
from benchmarks.raw import IMAGE
from benchmarks.rows import Row, Target
from benchmarks.sse import events
from benchmarks.subject import Subject
from benchmarks.world import World
from tests.servers import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PRINTED = re.compile(r"at=(\d+\.\d+)")
PRINT = "i=0; while [ $i -lt %d ]; do read up rest </proc/uptime; echo at=$up; sleep 0.2; i=$((i+1)); done"
LAYOUT = "pipelines:\n  test:\n    image: %s\n    steps:\n      - run: %s\n"
WARM_LINES = 5
WATCH = """() => {
  window.seen = [];
  const known = new Set();
  const look = () => requestAnimationFrame(() => {
    const now = performance.timeOrigin + performance.now();
    for (const line of document.querySelectorAll('.log-t')) {
      const printed = line.textContent.match(/at=([0-9.]+)/);
      if (printed && !known.has(printed[1])) { known.add(printed[1]); window.seen.push([Number(printed[1]), now / 1000]); }
    }
  });
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""


def program(world: World) -> Iterator[Row]:
    """A client of the API that follows the log."""
    lags: list[float] = []
    with _printing(world.subject, world.times(100, 20)) as (build, step):
        for name, data in world.subject.follow(build, step):
            if name == "log":
                lags += [_now() - float(printed) for printed in PRINTED.findall(data["text"])]
            if name == "end":
                break
    what = "a line printed to the line seen by a program (Server-Sent Events)"
    yield Row(what=what, ours=Spread.of(lags[WARM_LINES:]), target=Target(limit=0.3, p=95))


def browser(world: World) -> Iterator[Row]:
    """Chromium on the build's page: until the frame in which the line is drawn."""
    subject = world.subject
    with (
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])) as chromium,
    ):
        page = chromium.new_page()
        _log_in(page, subject)
        with _printing(subject, world.times(100, 40)) as (build, _):
            page.goto(build["url"])
            page.evaluate(WATCH)
            wait_until(lambda: subject.build_of_uuid(build["uuid"])["finished_at"], seconds=120, what="the build's end")
            seen = page.evaluate("() => window.seen")
    booted = time.time() - _now()
    lags = [at - booted - printed for printed, at in seen]
    what = "a line printed to the line seen in a browser (Chromium)"
    yield Row(what=what, ours=Spread.of(lags[WARM_LINES:]), target=Target(limit=0.3, p=95), buildbot="2.1 s (median)")


def thousand(world: World) -> Iterator[Row]:
    """Many clients on one log, from one process beside the service."""
    count = world.times(1000, 100)
    subject = world.subject
    with _printing(subject, world.times(200, 100)) as (build, step):
        path = f"{subject.api}/builds/{build['uuid']}/events?step={step}"
        lags = asyncio.run(_follow_all(subject, path, count))
    what = f"{count:,} clients following one log, lag of a line"
    yield Row(what=what, ours=Spread.of(lags), target=Target(limit=0.5, p=99))


class _printing:  # reads as a verb
    """A build whose one step prints five lines a second; the block has it running, and ends when it has ended."""

    def __init__(self, subject: Subject, lines: int) -> None:
        self._subject, self._lines = subject, lines

    def __enter__(self) -> tuple[dict[str, Any], str]:
        subject = self._subject
        subject.put({"ciservice.yml": LAYOUT % (IMAGE, PRINT % self._lines)})
        self._build = subject.push_only()
        step = wait_until(lambda: subject.steps(self._build), seconds=60, what="the step")[0]["uuid"]
        return self._build, step

    def __exit__(self, *_: object) -> None:
        for name, _data in events(self._subject.events_url(self._build), self._subject.token):
            if name == "end":
                return


def _log_in(page: Any, subject: Subject) -> None:
    known = subject.credentials
    page.goto(f"{known['url']}/login")
    page.fill("[name=username]", known["email"])
    page.fill("[name=password]", known["password"])
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)


async def _follow_all(subject: Subject, path: str, count: int) -> list[float]:
    """The lags of all lines that were printed when everybody was there."""
    crowd = _Crowd(count)
    await asyncio.wait_for(asyncio.gather(*(crowd.follow(subject, path) for _ in range(count))), 180)
    assert crowd.lags, f"the last line was printed before all {count} were there"
    return crowd.lags


class _Crowd:
    """Everybody who follows one log."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self._whole_at = math.inf
        self.lags: list[float] = []

    async def follow(self, subject: Subject, path: str) -> None:
        """One client, to the log's end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", subject.port)
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {subject.token}\r\n\r\n"
        writer.write(head.encode())
        await reader.readuntil(b"data: ")
        self._missing -= 1
        if not self._missing:
            self._whole_at = _now()
        while line := await reader.readline():
            stamps = [float(stamp) for stamp in PRINTED.findall(line.decode())]
            self.lags += [_now() - stamp for stamp in stamps if stamp > self._whole_at]
            if b'"ended":true' in line:
                break
        writer.close()


def _now() -> float:
    """Seconds since the machine was started, as /proc/uptime has them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)

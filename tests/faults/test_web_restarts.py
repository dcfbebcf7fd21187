"""Web servers that are restarted or killed under a program that follows a log: it goes on where it was."""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.error

import pytest

from builds.states import Status
from tests import servers
from tests.builds.queue import add_job
from tests.faults.harness import Process, answers, until_ended, until_printing
from tests.faults.reader import Reader
from tests.live.instance import free_port

LINES, RESTARTS = 160, 2
SCRIPT = "\n".join(f"print line {number} äöü\nsleep 0.1" for number in range(LINES)) + "\nflood 300000"


class Follower:
    """What a program keeps of a stream: the text, and how far it came."""

    def __init__(self, reader: Reader, step) -> None:
        self._reader, self._step = reader, step
        self.text, self.last_id, self.is_over, self.streams = "", "", False, 0

    def follow(self, on_line=lambda text: None) -> None:
        """One stream, to its end, whoever ends it."""
        try:
            with self._reader.events(self._step, self.last_id) as answer:
                self.streams += 1
                for name, value in fields(answer):
                    self._take(name, value)
                    on_line(self.text)
        except (OSError, http.client.HTTPException, urllib.error.URLError):
            return  # cut off

    def _take(self, name: str, value: str) -> None:
        if name == "id":
            self.last_id = value
        if name == "data":
            self.text += json.loads(value).get("text", "")
        self.is_over = self.is_over or (name, value) == ("event", "end")


def fields(answer):
    """(name, value) of each whole line; an event whose end did not come is none."""
    event: list[tuple[str, str]] = []
    for line in answer:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            event.append((name, value))
            continue
        yield from event
        event = []


@pytest.mark.timeout(150)
@pytest.mark.parametrize("end", [Process.terminate, Process.kill_group])
def test_who_follows_a_log_loses_and_doubles_nothing(house, make_build, owner, end):
    port = free_port()
    web, reader = house.web(port), Reader(port, owner)
    build = make_build()
    job = add_job(build, SCRIPT)
    house.runner()
    until_printing(job)
    step = job.steps.get()
    follower, restarts = Follower(reader, step), 0

    def end_it_after_some_lines(text: str) -> None:
        if restarts < RESTARTS and web.is_alive and text.count("\n") > 10 * (restarts + 1):
            end(web)

    for _ in range(60):
        follower.follow(end_it_after_some_lines)
        if follower.is_over:
            break
        if not web.is_alive or web.has_ended(10):
            servers.wait_until(lambda: not answers(port), what="the port")
            web, restarts = house.web(port, f"web-{restarts}"), restarts + 1
    assert until_ended(build).status == Status.PASSED
    stored = reader.log(step)
    assert restarts == RESTARTS < follower.streams
    assert stored.count(b"line ") == LINES
    assert hashlib.sha256(follower.text.encode()).digest() == hashlib.sha256(stored).digest()

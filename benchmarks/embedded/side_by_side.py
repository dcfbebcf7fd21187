"""Steps that print side by side: how much one runner stores in a second, and what Redis holds of a running step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import redis

from benchmarks.embedded.output import FILE_LINES, LINE_BYTES, lines_file
from benchmarks.figures import Spread
from benchmarks.raw import IMAGE
from benchmarks.rows import Row, Target
from benchmarks.subject import Subject
from benchmarks.world import World

STEPS = 4
LONGEST_SECONDS = 120
COPIES_BYTES = FILE_LINES * LINE_BYTES
PIPELINE = "  %s:\n    image: %s\n    steps:\n      - run: %s\n"
FLOOD = "cat $(yes lines.txt | head -n %d)"
STEADY = "i=0; while [ $i -lt 100 ]; do head -n 1000 lines.txt; sleep 0.1; i=$((i+1)); done"  # half a megabyte a second


def throughput(world: World) -> Iterator[Row]:
    """Megabytes a second of steps that do nothing but print, until their builds have ended with every line stored."""
    subject, copies = world.subject, world.times(100, 10)
    rates = []
    for _ in range(world.times(3, 1) + 1):
        _put(subject, FLOOD % copies)
        followed = subject.push()
        _check(subject, followed.build, copies * FILE_LINES)
        rates.append(STEPS * copies * COPIES_BYTES / 1e6 / followed.finished)
    what = (
        f"log that one runner stores: {STEPS} steps of {copies * COPIES_BYTES / 1e6:g} MB side by side, push to stored"
    )
    yield Row(what=what, ours=Spread.of(rates[1:]), unit="MB/s")


def tails(world: World) -> Iterator[Row]:
    """What Redis has more while steps run that print."""
    subject = world.subject
    subject.wait_for_rest()
    client = redis.Redis(unix_socket_path=str(subject.data_dir / "redis.sock"))
    try:
        before = _memory(client)
        _put(subject, STEADY)
        build = subject.push_only()
        more = []
        end = time.monotonic() + LONGEST_SECONDS
        while not (now := subject.build_of_uuid(build["uuid"]))["finished_at"]:
            assert time.monotonic() < end, f"the steps do not end\n{subject.said()[-3000:]}"
            more.append(max(_memory(client) - before, 0) / STEPS / 1024**2)
            time.sleep(0.2)
        assert now["state"] == "passed", now
        _check(subject, now, 100 * 1000)
    finally:
        client.close()
    what = f"memory of Redis for a running step that prints 0.5 MB a second, {STEPS} side by side"
    yield Row(what=what, ours=Spread.of(more[5:]), unit="MiB", target=Target(limit=2, p=95))


def _put(subject: Subject, script: str) -> None:
    """A build of so many pipelines, which one runner runs at the same time."""
    pipelines = "".join(PIPELINE % (f"print-{number}", IMAGE, script) for number in range(STEPS))
    subject.put({"ciservice.yml": f"pipelines:\n{pipelines}", "lines.txt": lines_file()})


def _check(subject: Subject, build: dict[str, Any], lines: int) -> None:
    """Every step printed so many lines, and the last of them can be read."""
    steps = subject.steps(build)
    assert len(steps) == STEPS, steps
    for step in steps:
        path = f"{subject.api}/builds/{build['uuid']}/steps/{step['uuid']}/log"
        assert len(subject.get(f"{path}?from_line={lines}&limit=1")) == LINE_BYTES, step
        assert not subject.get(f"{path}?from_line={lines + 1}&limit=1"), step


def _memory(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])

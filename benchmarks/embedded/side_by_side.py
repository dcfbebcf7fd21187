"""Steps that print side by side: how much one runner stores in a second, and what Redis holds of a running step."""

from __future__ import annotations

import time
from collections.abc import Iterator

import redis

from benchmarks.embedded.output import FILE_LINES, LINE_BYTES, lines_file
from benchmarks.embedded.steps import SERVICE
from benchmarks.figures import Spread
from benchmarks.rows import Row, Target
from benchmarks.subject import Subject
from benchmarks.world import World

STEPS = 4
COPIES_BYTES = FILE_LINES * LINE_BYTES
LONGER_THAN_A_TAIL = 8  # copies: 4 MB
PAUSE_SECONDS = 15
STEP = "    - {service: app, command: sh -c 'cat $(yes lines.txt | head -n %d); sleep %d'}\n"


def throughput(world: World) -> Iterator[Row]:
    """Megabytes a second of steps that do nothing but print, until their builds have ended with every line stored."""
    subject, copies = world.subject, world.times(100, 10)
    rates = []
    for _ in range(world.times(3, 1) + 1):
        _put(subject, copies=copies, pause=0)
        followed = subject.push()
        rates.append(STEPS * copies * COPIES_BYTES / 1e6 / followed.finished)
    what = (
        f"log that one runner stores: {STEPS} steps of {copies * COPIES_BYTES / 1e6:g} MB side by side, push to stored"
    )
    yield Row(what=what, ours=Spread.of(rates[1:]), unit="MB/s")


def tails(world: World) -> Iterator[Row]:
    """What Redis has more while steps run that have printed 4 MB each."""
    subject = world.subject
    subject.wait_for_rest()
    client = redis.Redis(unix_socket_path=str(subject.data_dir / "redis.sock"))
    try:
        before = _memory(client)
        _put(subject, copies=LONGER_THAN_A_TAIL, pause=PAUSE_SECONDS)
        build = subject.push_only()
        seen = []
        end = time.monotonic() + 120
        while not subject.build_of_uuid(build["uuid"])["finished_at"]:
            assert time.monotonic() < end, "the steps do not end"
            seen.append(_memory(client))
            time.sleep(0.5)
    finally:
        client.close()
    each = (Spread.of(seen).percentile(75) - before) / STEPS / 1024**2
    what = f"memory of Redis for a running step that has printed 4 MB ({STEPS} at a time)"
    yield Row(what=what, ours=Spread.of([each]), unit="MiB", target=Target(limit=2))


def _put(subject: Subject, *, copies: int, pause: int) -> None:
    steps = f"- type: parallel\n  steps:\n{STEP % (copies, pause) * STEPS}"
    subject.put({"codeship-services.yml": SERVICE, "codeship-steps.yml": steps, "lines.txt": lines_file()})


def _memory(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])

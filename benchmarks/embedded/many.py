"""Many builds at once, what one of them costs, and what the service costs that does nothing."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from benchmarks.embedded.steps import ONE_CONTAINER
from benchmarks.figures import Spread
from benchmarks.processes import cpu_seconds, pss_bytes
from benchmarks.rows import Row, Target
from benchmarks.subject import Subject
from benchmarks.world import World

AT_ONCE = 4
LONGEST_SECONDS = 600
QUIET_SECONDS = 5
LOOK_SECONDS = 2  # the end is read from the rows: looking seldom costs no precision


def at_rest(world: World) -> Iterator[Row]:
    """Memory of everything that `make up` starts."""
    subject = world.subject
    time.sleep(QUIET_SECONDS)
    mebibytes = pss_bytes(subject.pid) / 1024**2
    what = "memory of everything that `make up` starts, at rest (PSS)"
    yield Row(
        what=what,
        ours=Spread.of([mebibytes]),
        unit="MiB",
        target=Target(limit=300),
        buildbot=world.buildbot.get("memory", "98 MiB"),
    )


def hundred_builds(world: World) -> Iterator[Row]:
    """Builds a second, and what each costs of our processes' time."""
    count, subject = world.times(100, 12), world.subject
    subject.put(ONE_CONTAINER)
    subject.push()
    raws, ours, costs = [], [], []
    for _ in range(world.times(2, 1)):
        raws.append(count / _raw(world, count))
        subject.wait_for_rest()
        before = cpu_seconds(subject.pid)
        ours.append(count / _builds(subject, count))
        subject.wait_for_rest()
        costs.append((cpu_seconds(subject.pid) - before) / count * 1000)
    yield Row(
        what=f"{count} builds queued at once, checkout and a container each; raw: {AT_ONCE} at a time",
        raw=Spread.of(raws),
        ours=Spread.of(ours),
        unit="builds/s",
        target=Target(limit=1.3, of_raw=True, at_least=True),
        buildbot=world.buildbot.get("hundred-builds", "1.45 builds/s"),
    )
    what = "our CPU per trivial build: all our processes with Redis and git, without dockerd and containers"
    yield Row(
        what=what,
        ours=Spread.of(costs),
        unit="ms",
        target=Target(limit=80),
        buildbot=world.buildbot.get("cpu", "213 ms"),
    )


def _raw(world: World, count: int) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: world.raw.serial(1), range(count)))
    return time.perf_counter() - began


def _builds(subject: Subject, count: int) -> float:
    """Seconds from the first request to the end of the last build, as the service's own rows have it."""
    began = time.time()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wanted = set(pool.map(lambda _: _trigger(subject), range(count)))
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end and _unfinished(subject):
        time.sleep(LOOK_SECONDS)
    rows = [build for page in range(1, -(-count // 50) + 2) for build in _page(subject, page)]
    mine = [build for build in rows if build["uuid"] in wanted]
    assert [build["state"] for build in mine] == ["passed"] * count, {build["state"] for build in mine}
    return max(datetime.fromisoformat(build["finished_at"]).timestamp() for build in mine) - began


def _trigger(subject: Subject) -> str:
    address, token = subject.credentials["url"].removeprefix("http://"), subject.credentials["api_token"]
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", f"{subject.api}/builds", json.dumps({"ref": "heads/main"}), headers)
        answer = connection.getresponse()
        assert answer.status == 202, answer.read()
        return json.loads(answer.read())["build"]["uuid"]
    finally:
        connection.close()


def _page(subject: Subject, page: int, rows: int = 50) -> list[dict]:
    return json.loads(subject.get(f"{subject.api}/builds?per_page={rows}&page={page}"))["builds"]


def _unfinished(subject: Subject) -> bool:
    """Jobs of one lane are taken in order, so a few tell nearly always. What we ask is charged to the service."""
    return any(not build["finished_at"] for rows in (AT_ONCE, 50) for build in _page(subject, 1, rows))

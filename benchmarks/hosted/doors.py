"""Webhooks that queue builds, and lists of builds: 64 connections, and a project with a long history."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
import time
from collections.abc import Iterator

from benchmarks.figures import Spread
from benchmarks.hosted.load import Answers, send
from benchmarks.rows import Row, Target
from benchmarks.world import World

CONNECTIONS = 64
BRANCHES = 50


def webhooks(world: World) -> Iterator[Row]:
    """Signed pushes to one project, which the database takes one after another, and to eight."""
    for projects in (1, 8):
        yield from _webhooks(world, projects)


def _webhooks(world: World, projects: int) -> Iterator[Row]:
    assert world.known
    service, rates, latencies = world.service, [], []
    made = [service.call("project", name=f"hooked {projects}/{number}") for number in range(projects)]
    count = world.times(2000, 400)
    send(service.port, _hooks(made, 200), connections=CONNECTIONS)
    for _ in range(world.times(4, 2)):
        before = _builds(world)
        answers = send(service.port, _hooks(made, count), connections=CONNECTIONS)
        assert answers.statuses == {202: count}, f"{answers.statuses}\n{service.said()}"
        assert _builds(world) - before == count, "builds were lost"
        rates.append(answers.rate)
        latencies += answers.latencies
    what = f"webhooks that queue a build, PostgreSQL, {CONNECTIONS} connections, {projects} project(s)"
    note = f"{len(latencies)} sent, none lost"
    target = Target(limit=500, at_least=True)
    yield Row(what=what, ours=Spread.of(rates), unit="/s", target=target, note=note, buildbot="96 /s")
    target = Target(limit=0.2, p=99)
    yield Row(what="their answers", ours=Spread.of(latencies), target=target, buildbot="p99 0.74 s")


def lists(world: World) -> Iterator[Row]:
    """The API's list of 20 of 10,000 builds."""
    service, known = world.service, world.known
    uuid = service.call("project", name="ten thousand")["uuid"]
    assert service.call("fill", uuid=uuid, count=10_000)
    path = f"/v2/organizations/{known['organization']}/projects/{uuid}/builds?per_page=20"
    request = _request("GET", path, {"Authorization": f"Bearer {known['token']}"})
    rates: list[float] = []
    latencies: list[float] = []
    for turn in range(world.times(5, 2) + 1):
        answers: Answers = send(service.port, [request] * world.times(2000, 400), connections=CONNECTIONS)
        assert set(answers.statuses) == {200}, f"{answers.statuses}\n{service.said()}"
        if turn:
            rates.append(answers.rate)
            latencies += answers.latencies
    what = f"list of builds (API, 20 rows), 10,000 builds, {CONNECTIONS} connections"
    target = Target(limit=450, at_least=True)
    yield Row(what=what, ours=Spread.of(rates), unit="/s", target=target, buildbot="153 /s")
    yield Row(what="their answers", ours=Spread.of(latencies), target=Target(limit=1.0, p=99))


def page(world: World) -> Iterator[Row]:
    """The page of builds of a project with a million of them."""
    assert world.known
    service = world.service
    few = service.call("project", name="few")["uuid"]
    many = service.call("project", name="a million")["uuid"]
    count = world.times(1_000_000, 100_000)
    service.call("fill", uuid=few, count=100)
    service.call("fill", uuid=many, count=count)
    queries = [service.call("queries", uuid=uuid) for uuid in (few, many)]
    assert queries[0] == queries[1], f"{queries[0]} queries with few builds, {queries[1]} with many"
    seconds = [_get(world, f"/projects/{many}/") for _ in range(world.times(200, 30))]
    what = f"builds page with {count:,} builds in PostgreSQL; {queries[1]} queries, as with 100 builds"
    milliseconds = Spread.of([value * 1000 for value in seconds[10:]])
    yield Row(what=what, ours=milliseconds, unit="ms", target=Target(limit=60, p=95))


def _hooks(projects: list[dict[str, str]], count: int) -> list[bytes]:
    return [_hook(projects[number % len(projects)], number) for number in range(count)]


def _hook(project: dict[str, str], number: int) -> bytes:
    branch = f"refs/heads/branch-{number % BRANCHES}"
    payload = {"ref": branch, "before": secrets.token_hex(20), "after": secrets.token_hex(20), "pusher": "ada"}
    body = json.dumps(payload).encode()
    signature = hmac.new(project["secret"].encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Ciservice-Signature": f"sha256={signature}", "Content-Type": "application/json"}
    return _request("POST", f"/hooks/generic/{project['uuid']}", headers, body)


def _request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    given = {"Host": "127.0.0.1", **headers, **({"Content-Length": str(len(body))} if body else {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _builds(world: World) -> int:
    return world.service.count("SELECT count(*) FROM builds_build")


def _get(world: World, path: str) -> float:
    """Seconds of one page, over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", world.service.port, timeout=60)
    try:
        began = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": f"sessionid={world.known['session']}"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        return time.perf_counter() - began
    finally:
        connection.close()

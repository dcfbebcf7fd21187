"""The rows of the table: builds before and while 100,000 messages wait for a channel that answers in 30 s."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from benchmarks.figures import Spread
from benchmarks.growth.bench import FILES, Bench
from benchmarks.rows import Row, Target
from benchmarks.world import World
from tests.servers import wait_until

FIXTURES = "benchmarks.messages.fixtures"
ANSWER_SECONDS = 30.0


def flood(world: World) -> Iterator[Row]:
    """From push to finished, and builds a second, without and with."""
    count, builds, many = world.times(100_000, 2_000), world.times(20, 6), world.times(30, 10)
    bench = Bench(world.folder / "messages", OUTBOUND_ALLOWED_HOSTS="127.0.0.1")
    with _slow_channel() as (url, calls):
        try:
            bench.start()
            alone, rates = bench.cost(builds), [bench.rate(many, FILES) for _ in range(3)]
            bench.house.call("flood", of=FIXTURES, project=bench.project, count=count, url=url)
            wait_until(lambda: calls, seconds=60, what="a call of the channel: else nothing is measured")
            flooded, with_flood = bench.cost(builds), [bench.rate(many, FILES) for _ in range(3)]
            looked = bench.house.call("look", of=FIXTURES)
        finally:
            bench.stop()
    assert isinstance(looked, dict)
    what = f"{count:,} messages wait for a channel that answers in {ANSWER_SECONDS:g} s; raw: none wait"
    note = f"{looked['pending']:,.0f} still wait, {len(calls)} calls made"
    yield Row(
        what=f"{what}: push to finished",
        ours=Spread.of(list(flooded.seconds)),
        raw=Spread.of(list(alone.seconds)),
        target=Target(limit=1.1, of_raw=True),
        note=note,
    )
    yield Row(
        what="the same: CPU of a build",
        ours=Spread.of([flooded.cpu_ms]),
        raw=Spread.of([alone.cpu_ms]),
        unit="ms",
        target=Target(limit=1.1, of_raw=True),
        note=f"{alone.statements:.1f} and {flooded.statements:.1f} statements",
    )
    yield Row(
        what="the same, builds a second when many are pushed at once",
        ours=Spread.of(with_flood),
        raw=Spread.of(rates),
        unit="builds/s",
        target=Target(limit=0.9, of_raw=True, at_least=True),
    )
    weight = f"{looked['bytes'] / count:,.0f} bytes a message in the database, with indexes"
    yield Row(
        what="one look at what is due, meanwhile", ours=Spread.of([looked["milliseconds"]]), unit="ms", note=weight
    )


@contextlib.contextmanager
def _slow_channel() -> Iterator[tuple[str, list[float]]]:
    """Its address, and an entry for each call. It takes what comes and answers later than anybody waits."""
    over, calls = threading.Event(), []
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.settimeout(0.2)

    def serve() -> None:
        open_: list[socket.socket] = []
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                calls.append(0.0)
                open_.append(connection)
                threading.Timer(ANSWER_SECONDS, _answer, (connection,)).start()
        for connection in open_:
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook", calls
    finally:
        over.set()
        thread.join()
        listener.close()


def _answer(connection: socket.socket) -> None:
    with contextlib.suppress(OSError), connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

"""The rows of the table, and the plot, that show whether one build costs the same when there is ten times more of everything else."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.figures import Spread
from benchmarks.growth.bench import Bench, Cost
from benchmarks.growth.plot import draw
from benchmarks.machine import ROOT
from benchmarks.rows import Row, Target
from benchmarks.world import World

PLOT = ROOT / "docs" / "growth.svg"
SLEEP = {"ciservice.yml": "pipelines:\n  test:\n    steps:\n      - run: sleep 3\n"}


def growth(world: World) -> Iterator[Row]:
    """History, queue and viewers, each ten times more than before."""
    builds = world.times(20, 8)
    bench = Bench(world.folder / "growth")
    found: dict[str, list[tuple[int, Cost]]] = {"history": [], "queue": [], "viewers": []}
    try:
        bench.start()
        bench.cost(2, rest=1)
        done = 0
        for count in _sizes(world, 1_000, 10_000, 100_000):
            bench.fill("history", project=bench.project, count=count - done)
            done = count
            found["history"].append((count, _told("history", count, bench.cost(builds))))
        for count in _sizes(world, 0, 100, 1_000):
            with bench.watched(count):
                found["viewers"].append((count, _told("viewers", count, bench.cost(builds))))
        for count in _sizes(world, 10, 1_000, 10_000):
            waiting = bench.fill("queue", count=count)
            found["queue"].append((count, _told("queue", count, bench.cost(builds))))
            assert waiting == bench.waiting() == count, f"{count} jobs were to wait, {bench.waiting()} do"
    finally:
        bench.stop()
    draw(found, world.folder / PLOT.name if world.quick else PLOT)
    for name, costs in found.items():
        yield from (_row(name, count, cost) for count, cost in costs)


def _sizes(world: World, *sizes: int) -> tuple[int, ...]:
    """All of them; quickly the first two."""
    return sizes[:2] if world.quick else sizes


def _told(name: str, count: int, cost: Cost) -> Cost:
    print(f"  {name} {count:,}: {cost.cpu_ms:.1f} ms, {cost.statements:.1f} statements", file=sys.stderr, flush=True)
    return cost


WORDS = {"history": "builds in the history", "queue": "jobs waiting", "viewers": "clients that follow another build"}


def _row(name: str, count: int, cost: Cost) -> Row:
    what = f"cost of one build (steps that do nothing) with {count:,} {WORDS[name]}: our CPU"
    note = f"{cost.statements:.1f} SQL statements; push to finished {cost.median:.3f} s"
    return Row(what=what, ours=Spread.of([cost.cpu_ms]), unit="ms", note=note)


def runners(world: World) -> Iterator[Row]:
    """Three runner processes beside one, on work that only sleeps."""
    builds, rates = world.times(36, 12), {}
    for count in (1, 3):
        settings = {"EXECUTOR": "process", "RUNNERS": str(count), "RUNNER_CAPACITY": "2"}
        bench = Bench(world.folder / f"runners-{count}", **settings)
        try:
            bench.start()
            rates[count] = bench.rate(builds, SLEEP)
        finally:
            bench.stop()
    yield Row(
        what=f"{builds} builds of `sleep 3`, three runners of two jobs each on one queue; raw: one such runner",
        raw=Spread.of([rates[1]]),
        ours=Spread.of([rates[3]]),
        unit="builds/s",
        target=Target(limit=2.7, of_raw=True, at_least=True),
    )


def claims(world: World) -> Iterator[Row]:
    """How quickly one process takes jobs from a queue of any length; and what a build weighs in the database."""
    bench = Bench(world.folder / "claims", RUNNER_LABELS="none")
    try:
        bench.start()
        bench.cost(1, rest=1)
        bench.fill("history", project=bench.project, count=world.times(100_000, 20_000))
        sizes = bench.fill("sizes")
        assert isinstance(sizes, dict)
        note = ", ".join(f"{table.removeprefix('builds_')} {size:,.0f}" for table, size in sizes.items())
        yield Row(
            what="a build of one step in the database, with indexes",
            ours=Spread.of([sum(sizes.values())]),
            unit="bytes",
            note=note,
        )
        for depth in (100, 1_000, 10_000, world.times(100_000, 20_000)):
            found = bench.fill("claims", depth=depth)
            assert isinstance(found, dict)
            what = f"claims by one process, {depth:,} jobs waiting in one lane, PostgreSQL"
            note = f"{found['cpu_ms']:.2f} ms of its CPU and {found['statements']:.0f} statements each"
            yield Row(what=what, ours=Spread.of([found["rate"]]), unit="/s", note=note)
    finally:
        bench.stop()

"""What Buildbot takes for the builds of our table: the text of its column, by the name of our measurement."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.buildbot.house import Buildbot
from benchmarks.embedded.output import lines_file
from benchmarks.figures import Spread
from benchmarks.report import spread
from benchmarks.world import World

AT_ONCE = 4
QUIET_SECONDS = 10
HELLO = ["echo", "hello"]
ONES, SLEEPS = ([f"{shape}-{number}" for number in range(AT_ONCE)] for shape in ("one", "sleep"))


def measured(world: World, venv: Path) -> dict[str, str]:
    """Bring one up beside our raw work, measure, and end it."""
    times = world.times(100, 10)
    shapes = {
        **{name: [HELLO] for name in ONES},
        **{name: [["sleep", "2"]] for name in SLEEPS},
        "five": [HELLO] * 5,
        "lines": [["sh", "-c", f"cat $(yes lines.txt | head -n {times})"]],
    }
    buildbot = Buildbot(world.folder / "buildbot", venv, network=world.raw.network, shapes=shapes)
    try:
        buildbot.start({"lines.txt": lines_file()})
        time.sleep(QUIET_SECONDS)
        found = {"memory": f"{buildbot.memory() / 1024**2:.0f} MiB"}
        found["first-line"] = _told(world, 7, lambda: _first_line(buildbot))
        found["five-containers"] = _told(world, 5, lambda: _seconds(buildbot, "five"))
        found["parallel"] = _told(world, 5, lambda: _seconds(buildbot, *SLEEPS))
        found |= _many(buildbot, world.times(100, 12))
        found["million-lines"] = _told(world, 2, lambda: _seconds(buildbot, "lines"))
        return found
    finally:
        buildbot.stop()


def _told(world: World, usual: int, measure) -> str:
    seconds = [measure() for _ in range(world.times(usual, 1) + 1)][1:]
    return spread(Spread.of(seconds), "s")


def _seconds(buildbot: Buildbot, *branches: str) -> float:
    began = buildbot.push(*branches)
    return buildbot.finished(len(branches), began) - began


def _first_line(buildbot: Buildbot) -> float:
    began = buildbot.push(ONES[0])
    buildbot.finished(1, began)
    return buildbot.first_line(began) - began


def _many(buildbot: Buildbot, count: int) -> dict[str, str]:
    """Builds a second of so many queued over four builders, and what each costs of master, worker and their children."""
    _seconds(buildbot, *ONES)
    before, began = buildbot.cpu_seconds(), time.time()
    for number in range(count):
        buildbot.tell(ONES[number % AT_ONCE])
    seconds = buildbot.finished(count, began) - began
    cost = (buildbot.cpu_seconds() - before) / count * 1000
    return {"hundred-builds": f"{count / seconds:.2f} builds/s", "cpu": f"{cost:.0f} ms"}

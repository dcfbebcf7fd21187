"""From a push to its first line and to its end, for the shapes that a build can have."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.figures import Spread, in_turns
from benchmarks.raw import IMAGE
from benchmarks.rows import Row, Target
from benchmarks.subject import Followed
from benchmarks.world import World

Files = dict[str, str]

SERVICE = f"app:\n  image: {IMAGE}\n"
ONE_CONTAINER = {"codeship-services.yml": SERVICE, "codeship-steps.yml": "- {service: app, command: echo hello}\n"}
ONE_RUN = {"ciservice.yml": f"pipelines:\n  test:\n    image: {IMAGE}\n    steps:\n      - run: echo hello\n"}
FIVE_CONTAINERS = {**ONE_CONTAINER, "codeship-steps.yml": "- {service: app, command: echo hello}\n" * 5}
FIVE_RUNS = {"ciservice.yml": ONE_RUN["ciservice.yml"] + "      - run: echo hello\n" * 4}
FOUR_SLEEPS = {
    **ONE_CONTAINER,
    "codeship-steps.yml": "- type: parallel\n  steps:\n" + "    - {service: app, command: sleep 2}\n" * 4,
}


def first_line(world: World) -> Iterator[Row]:
    """One step, until a client that follows has its first line."""
    for kind, files in (("CodeShip file", ONE_CONTAINER), ("ciservice.yml", ONE_RUN)):
        raw, ours = _measure(world, files, world.raw.first_output, lambda followed: followed.first_line, first=True)
        note = f"of it `git push` itself, until the hook has answered: {Spread.of(_pushed).median:.3f} s"
        yield Row(
            what=f"push to first output line, one step in a container, {kind}",
            raw=raw,
            ours=ours,
            target=Target(limit=1.0, of_raw=True),
            note=note,
            buildbot=world.buildbot.get("first-line", "1.0 s"),
        )


def five_containers(world: World) -> Iterator[Row]:
    """Five serial steps, each in a container of its own."""
    raw, ours = _measure(world, FIVE_CONTAINERS, lambda: world.raw.serial(5), _finished)
    what = "push to finished, 5 serial steps, a container each (CodeShip file)"
    yield Row(
        what=what,
        raw=raw,
        ours=ours,
        target=Target(limit=0.6, of_raw=True),
        buildbot=world.buildbot.get("five-containers", "3.5 s"),
    )


def five_runs(world: World) -> Iterator[Row]:
    """Five `run` steps in the pipeline's container."""
    raw, ours = _measure(world, FIVE_RUNS, lambda: world.raw.executed(5), _finished)
    what = "push to finished, 5 `run` steps in the pipeline's container; raw: `docker exec`"
    yield Row(what=what, raw=raw, ours=ours, target=Target(limit=0.7, of_raw=True), buildbot="2.0 s")


def four_sleeps(world: World) -> Iterator[Row]:
    """Four containers side by side."""
    raw, ours = _measure(world, FOUR_SLEEPS, lambda: world.raw.parallel(*[("sleep", "2")] * 4), _finished)
    what = "push to finished, 4 parallel `sleep 2`"
    yield Row(
        what=what,
        raw=raw,
        ours=ours,
        target=Target(limit=1.0, of_raw=True),
        buildbot=world.buildbot.get("parallel", "4.7 s"),
    )


_pushed: list[float] = []  # of the measurement that goes on


def _finished(followed: Followed) -> float:
    return followed.finished


def _measure(
    world: World, files: Files, raw: Callable[[], float], of: Callable[[Followed], float], *, first: bool = False
) -> tuple[Spread, Spread]:
    _pushed.clear()
    subject = world.subject
    subject.put(files)
    raws, ours = in_turns(world.times(12, 3), raw, lambda: _push(world, of, first=first))
    return Spread.of(raws), Spread.of(ours)


def _push(world: World, of: Callable[[Followed], float], *, first: bool) -> float:
    world.subject.touch()
    followed = world.subject.push(first_line=first)
    _pushed.append(followed.pushed)
    return of(followed)

"""Watchers: does the web answer, do the invariants hold, does memory grow, is anything left of jobs that ended."""

from __future__ import annotations

import statistics
import threading
import time
from pathlib import Path

from benchmarks.processes import command_line, rss_bytes
from benchmarks.soak.diary import Diary
from benchmarks.soak.house import House
from benchmarks.soak.misfortune import Misfortune
from tests.docker_images import connect

WEB_SECONDS = 1.0
INVARIANT_SECONDS = 45.0
MEMORY_SECONDS = 5.0
SLOWEST_ANSWER = 10.0
RECOVERY_SECONDS = 25  # a supervisor waits up to ten before it starts what fell again and again
LONG_ENOUGH_SECONDS = 300  # to speak of growth
WARM_SECONDS = 90
MOST_GROWTH_MIB = 40


class Web:
    """Asks for the sign of life and for a list, again and again; a silence needs an excuse."""

    def __init__(self, house: House, diary: Diary, misfortune: Misfortune, *, stop: threading.Event) -> None:
        self._house, self._diary, self._misfortune, self._stop = house, diary, misfortune, stop
        self.slowest = 0.0

    def run(self) -> None:
        """Until told to stop."""
        turn = 0
        while not self._stop.wait(WEB_SECONDS):
            turn += 1
            self._ask("/healthz", ("web", "power"))
            if turn % 3 == 0:
                path = f"/v2/organizations/{self._house.organization}/projects"
                self._ask(path, ("web", "power", "postgres"))

    def _ask(self, path: str, excuses: tuple[str, ...]) -> None:
        begin, fallen = time.time(), self._misfortune.now
        try:
            status, body = self._house.get(path, seconds=SLOWEST_ANSWER)
            said = f"{status} {body[:120]!r}"
        except OSError as error:
            status, said = 0, str(error)
        end = time.time()
        if status == 200:
            self._diary.held("answers of the web")
            self.slowest = max(self.slowest, end - begin)
            return
        if any(word in fallen + self._misfortune.now for word in excuses):
            return
        if not self._diary.excuses(excuses, begin, end, after=RECOVERY_SECONDS):
            lately = [window.what for window in self._diary.windows if window.end > begin - 30]
            self._diary.broke(
                f"{path.split('/')[1]} did not answer at {end - self._diary.began:.0f} s: {said}; lately {lately}"
            )


class Invariants:
    """Reads all rows from time to time. What is found twice in a row is broken: rows are read one table after another."""

    def __init__(self, house: House, diary: Diary, *, stop: threading.Event) -> None:
        self._house, self._diary, self._stop = house, diary, stop
        self._before: set[str] = set()

    def run(self) -> None:
        """Until told to stop."""
        while not self._stop.wait(INVARIANT_SECONDS):
            self.look()

    def look(self) -> None:
        """Once; where something is found, once more."""
        try:
            found = set(self._house.call("violations"))
            again = set(self._house.call("violations")) if found else set()
        except (RuntimeError, OSError) as error:
            # A database that is away, a disk that is full: the next look tells more.
            self._diary.note("the invariants could not be read", error=str(error)[-300:])
            return
        for sentence in found & again:
            self._diary.broke(f"invariant: {sentence}")
        if not found & again:
            self._diary.held("looks at the invariants")


class Memory:
    """How much each process has, as long as it lives."""

    def __init__(self, house: House, *, stop: threading.Event) -> None:
        self._house, self._stop = house, stop
        self.seen: dict[tuple[str, int], list[tuple[float, float]]] = {}  # (seconds, MiB)

    def run(self) -> None:
        """Until told to stop."""
        while not self._stop.wait(MEMORY_SECONDS):
            for pid, role in self._house.processes().items():
                self.seen.setdefault((role, pid), []).append((time.time(), rss_bytes(pid) / 1024**2))

    def slopes(self) -> dict[str, tuple[float, float, float]]:
        """By role, of the process that lived longest: (minutes, MiB at the end, MiB an hour after it was warm)."""
        found: dict[str, tuple[float, float, float]] = {}
        for (role, _), seen in self.seen.items():
            if role == "redis" or seen[-1][0] - seen[0][0] <= found.get(role, (0.0,))[0] * 60:
                continue
            found[role] = ((seen[-1][0] - seen[0][0]) / 60, seen[-1][1], _slope(seen))
        return found

    def broken(self) -> list[str]:
        """Processes that grow without end, as far as can be told."""
        sentences = []
        for (role, pid), seen in self.seen.items():
            warm = _warm(seen)
            if seen[-1][0] - seen[0][0] < LONG_ENOUGH_SECONDS or len(warm) < 6:
                continue
            third = len(warm) // 3
            grown = statistics.median(v for _, v in warm[-third:]) - statistics.median(v for _, v in warm[:third])
            if grown > MOST_GROWTH_MIB:
                sentences.append(
                    f"{role} {pid} grew by {grown:.0f} MiB in {(warm[-1][0] - warm[0][0]) / 60:.0f} minutes"
                )
        return sentences


def _warm(seen: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(at, value) for at, value in seen if at - seen[0][0] > WARM_SECONDS]


def _slope(seen: list[tuple[float, float]]) -> float:
    """MiB an hour, by least squares; 0 where it did not live long enough to tell."""
    warm = _warm(seen)
    if seen[-1][0] - seen[0][0] < LONG_ENOUGH_SECONDS:
        return 0.0
    return statistics.linear_regression([at for at, _ in warm], [value for _, value in warm]).slope * 3600


def left_on_engine(label: str, *, only_jobs: bool) -> list[str]:
    """Containers, networks and volumes of the instance; `only_jobs`: those that belong to a job."""
    filters = {"label": [label, *(["ciservice.job"] if only_jobs else [])]}
    client = connect()
    try:
        things = [
            *(
                f"container {thing.name}"
                for thing in client.containers.list(all=True, filters=filters, ignore_removed=True)
            ),
            *(f"network {thing.name}" for thing in client.networks.list(filters=filters)),
            *(f"volume {thing.name}" for thing in client.volumes.list(filters=filters)),
        ]
    finally:
        client.close()
    return things


def left_processes(folder: Path) -> list[str]:
    """Processes that know of this folder, by their environment or their command line."""
    mark, found = str(folder).encode(), []
    for entry in Path("/proc").iterdir():
        try:
            knows = entry.name.isdigit() and mark in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if knows:
            found.append(f"{entry.name} {command_line(int(entry.name))[:80]}")
    return found

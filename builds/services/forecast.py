"""When each waiting job will begin, as far as can be told: the queue is played forward with the rule of the claim.

Pure: what runs, what waits, who may take it, and how long such jobs took lately come in as plain values.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from builds.models.runner import Serves
from builds.services.labels import satisfies

MOST_PLAYED = 1000  # jobs; who stands behind them is not told a time


@dataclass(frozen=True, kw_only=True)
class Place:
    """A runner: what it takes, how many jobs at one time, and how many it has. `closed`: why it takes none now."""

    name: str
    capacity: int
    labels: frozenset[str] = frozenset()
    serves: str = Serves.ALL
    organization_id: int | None = None
    closed: str = ""

    def takes(self, labels: str, organization_id: int) -> bool:
        """Whether such jobs are its business at all, closed or not."""
        return self.organization_id in (None, organization_id) and satisfies(self.labels, labels, serves=self.serves)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A job that runs, and how many seconds it will go on."""

    organization_id: int
    owner: str
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A job that waits. `rests`: seconds until it may be taken at all, less than zero where it has waited since then."""

    job_id: int
    organization_id: int
    labels: str = ""
    priority: int = 0
    rests: float = 0.0
    seconds: float = 60.0
    attempt: int = 0


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Everything that decides about the order; `limits`: how many jobs an organisation may run at one time."""

    places: Sequence[Place] = ()
    running: Sequence[Running] = ()
    waiting: Sequence[Waiting] = ()
    limits: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Start:
    """When a job will begin, in seconds from now, and how many go before it that could take its place."""

    seconds: float
    before: int


def forecast(queue: Queue) -> dict[int, Start]:
    """The start of every waiting job that will begin, by its id; what stays away stays out."""
    return _Play(queue).starts()


class _Play:
    def __init__(self, queue: Queue) -> None:
        self._limits = queue.limits
        self._places = {place.name: place for place in queue.places if not place.closed}
        self._free = {name: place.capacity for name, place in self._places.items()}
        self._busy: Counter[int] = Counter()
        self._ends: list[tuple[float, str, int]] = []
        for job in queue.running:
            self._begin(job.owner, job.organization_id, job.seconds_left)
        self._lanes: dict[tuple[int, str], list[Waiting]] = defaultdict(list)
        for waiting in sorted(queue.waiting, key=lambda job: (-job.priority, job.rests, job.job_id)):
            self._lanes[waiting.organization_id, waiting.labels].append(waiting)
        self._able = {
            lane: [name for name, place in self._places.items() if place.takes(lane[1], lane[0])]
            for lane in self._lanes
        }
        self._begun: list[tuple[Waiting, frozenset[str]]] = []

    def starts(self) -> dict[int, Start]:
        now = 0.0
        found: dict[int, Start] = {}
        while len(found) < MOST_PLAYED:
            chosen = self._choose(now)
            if chosen is None:
                following = self._next_moment(now)
                if following is None:
                    break
                now = following
                continue
            job, runner = chosen
            able = frozenset(self._able[job.organization_id, job.labels])
            before = sum(bool(able & others) for _, others in self._begun)
            found[job.job_id] = Start(now, before)
            self._begun.append((job, able))
            self._lanes[job.organization_id, job.labels].remove(job)
            self._begin(runner, job.organization_id, now + max(job.seconds, 0.0))
        return found

    def _begin(self, runner: str, organization_id: int, ends_at: float) -> None:
        self._busy[organization_id] += 1
        if runner in self._free:
            self._free[runner] -= 1
        heapq.heappush(self._ends, (ends_at, runner, organization_id))

    def _choose(self, now: float) -> tuple[Waiting, str] | None:
        """What the next claim would take, and the runner with the most room for it."""
        heads = []
        for lane, jobs in self._lanes.items():
            job = next((each for each in jobs if each.rests <= now), None)
            if job is None or self._busy[lane[0]] >= self._limits.get(lane[0], 1):
                continue
            runner = max((name for name in self._able[lane] if self._free[name] > 0), key=self._free.get, default=None)  # type: ignore[arg-type]
            if runner is not None:
                heads.append((job, runner))
        if not heads:
            return None
        return min(heads, key=lambda one: self._rank(one[0]))

    def _rank(self, job: Waiting) -> tuple[float, ...]:
        return (-job.priority, self._busy[job.organization_id], job.rests, job.organization_id)

    def _next_moment(self, now: float) -> float | None:
        """When something changes: a job ends, or one has rested."""
        rested = [job.rests for jobs in self._lanes.values() for job in jobs if job.rests > now]
        if self._ends and self._ends[0][0] <= min(rested, default=float("inf")):
            ends_at, runner, organization_id = heapq.heappop(self._ends)
            self._busy[organization_id] -= 1
            if runner in self._free:
                self._free[runner] += 1
            return max(ends_at, now)
        return min(rested, default=None)

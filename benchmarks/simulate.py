"""How many runner slots a day of builds needs: `python -m benchmarks.simulate --builds 100000 --slots 400`.

Arrivals follow a working day (a Poisson process whose rate rises to `peak` times the mean), service times are lognormal,
jobs go first come, first served to the first free slot. Prints how long builds waited.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.figures import Spread

DAY_SECONDS = 86_400
NIGHT = 0.2  # of the mean rate
SIGMA = 1.0  # of the lognormal: the longest twentieth takes five times the median


@dataclass(frozen=True, kw_only=True)
class Day:
    """`builds` in a day, `median` seconds each, the busiest hour `peak` times the mean rate, on so many `slots`."""

    builds: int
    slots: int
    median: float = 180.0
    peak: float = 3.0
    seed: int = 1

    @property
    def mean_seconds(self) -> float:
        """Of one build."""
        return self.median * math.exp(SIGMA**2 / 2)

    @property
    def busy_at_peak(self) -> float:
        """Slots that the busiest hour keeps busy on average: no fewer can do."""
        return self.builds / DAY_SECONDS * self.peak * self.mean_seconds


def waits(day: Day) -> Spread:
    """Seconds that each build waited for a slot."""
    chance = random.Random(day.seed)
    free = [0.0] * day.slots
    waited = []
    for at in _arrivals(day, chance):
        begin = max(at, free[0])
        waited.append(begin - at)
        heapq.heapreplace(free, begin + chance.lognormvariate(math.log(day.median), SIGMA))
    return Spread.of(waited)


def slots_for(day: Day, *, p95: float) -> int:
    """The fewest slots with which 95 of 100 builds wait no longer than `p95` seconds."""
    least, most = 1, max(int(day.busy_at_peak * 2), 4)
    while least < most:
        middle = (least + most) // 2
        if waits(_with(day, middle)).p95 <= p95:
            most = middle
        else:
            least = middle + 1
    return least


def _with(day: Day, slots: int) -> Day:
    return Day(builds=day.builds, slots=slots, median=day.median, peak=day.peak, seed=day.seed)


def _arrivals(day: Day, chance: random.Random) -> Iterator[float]:
    """Times of a day, thinned from a steady stream of the busiest rate."""
    highest, at = day.builds / DAY_SECONDS * day.peak, 0.0
    while (at := at + chance.expovariate(highest)) < DAY_SECONDS:
        if chance.random() * day.peak <= rate(at, day.peak):
            yield at


def rate(at: float, peak: float) -> float:
    """At a second of the day, times the mean: quiet at night, highest at 14:00; its mean over the day is 1."""
    if peak <= 1:
        return 1.0
    hours = (1 - NIGHT) * 24 / ((peak - NIGHT) * math.sqrt(math.pi))  # so wide that the bell's area makes it so
    return NIGHT + (peak - NIGHT) * math.exp(-(((at / 3600 - 14) / hours) ** 2))


def main() -> None:
    """Print one line for each number of slots that was asked for, or the fewest that do."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulate", description=__doc__)
    parser.add_argument("--builds", type=int, default=1000, help="a day")
    parser.add_argument(
        "--slots", type=int, nargs="*", default=[], help="jobs at one time; without: the fewest that do"
    )
    parser.add_argument("--median", type=float, default=180.0, help="seconds of a build")
    parser.add_argument("--peak", type=float, default=3.0, help="the busiest hour, times the mean")
    parser.add_argument("--p95", type=float, default=30.0, help="seconds that 95 of 100 may wait")
    asked = parser.parse_args()
    day = Day(builds=asked.builds, slots=1, median=asked.median, peak=asked.peak)
    print(f"{asked.builds:,} builds a day keep {day.busy_at_peak:.0f} slots busy in the busiest hour")
    for slots in asked.slots or [slots_for(day, p95=asked.p95)]:
        found = waits(_with(day, slots))
        print(f"{slots:,} slots: waited median {found.median:.1f} s, p95 {found.p95:.1f} s, p99 {found.p99:.1f} s")


if __name__ == "__main__":
    main()

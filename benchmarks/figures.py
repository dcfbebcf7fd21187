"""Repeated measurements of one thing, and how they spread."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Spread:
    """The values of one measurement, in any unit; at least one."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """ValueError where nothing was measured."""
        if not values:
            raise ValueError("nothing was measured")
        return cls(tuple(sorted(values)))

    @property
    def least(self) -> float:
        """The smallest."""
        return self.values[0]

    @property
    def median(self) -> float:
        """The middle."""
        return statistics.median(self.values)

    def percentile(self, percent: float) -> float:
        """The smallest value that `percent` of all do not exceed."""
        return self.values[max(math.ceil(len(self.values) * percent / 100), 1) - 1]

    @property
    def p95(self) -> float:
        """The 95th percentile."""
        return self.percentile(95)

    @property
    def p99(self) -> float:
        """The 99th percentile."""
        return self.percentile(99)


def in_turns(
    repetitions: int, raw: Callable[[], Measured], ours: Callable[[], Measured]
) -> tuple[list[Measured], list[Measured]]:
    """Measure both again and again, one after the other, so that what else the machine does hits both.

    The first round warms caches and pools, and does not count.
    """
    pairs = [(raw(), ours()) for _ in range(repetitions + 1)][1:]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

"""A row of the table: what was measured, beside what, and what it is held to."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.figures import Spread

UNITS = {"s": 1.0, "ms": 1000.0}


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a value is held to: `of_raw`, a multiple of the raw work's median; else the value itself."""

    limit: float
    of_raw: bool = False
    at_least: bool = False
    p: float = 50  # which percentile of ours is held to it

    def holds(self, value: float) -> bool:
        """Whether `value`, a ratio or an absolute figure, is good enough."""
        return value >= self.limit if self.at_least else value <= self.limit

    def text(self, unit: str) -> str:
        """For people."""
        sign = "≥" if self.at_least else "≤"
        figure = f"{self.limit:g} x raw" if self.of_raw else f"{self.limit:g} {unit}".strip()
        return f"{sign} {figure}" + (f" (p{self.p:g})" if self.p != 50 else "")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement."""

    what: str
    ours: Spread
    unit: str = "s"
    raw: Spread | None = None
    target: Target | None = None
    note: str = ""
    buildbot: str = ""  # what Buildbot 4.3 took for the same, as measured once on a machine like this

    @property
    def value(self) -> float:
        """What the target speaks of: a ratio to the raw work's median, or our own figure."""
        ours = self.ours.percentile(self.target.p) if self.target and self.target.p != 50 else self.ours.median
        return ours / self.raw.median if self.raw and self.target and self.target.of_raw else ours

    @property
    def ratio(self) -> float | None:
        """Our median by the raw work's."""
        return self.ours.median / self.raw.median if self.raw else None

    @property
    def is_met(self) -> bool | None:
        """None where there is no target."""
        return self.target.holds(self.value) if self.target else None

"""The four figures of delivery (DORA): how often, how long a change takes, how many fail, how soon it is right again."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from deployments.services.delivered import Delivered, History
from deployments.services.outages import Outage
from deployments.services.spans import Span


@dataclass(frozen=True)
class Spread:
    """Times in seconds: how many there are, the median, and what nine of ten do not exceed; None where there are none."""

    count: int
    median: float | None
    p90: float | None


@dataclass(frozen=True)
class Figures:
    """What was delivered in so many days."""

    days: int
    deployments: int
    lead: Spread
    changes: int
    failed: int
    restore: Spread

    @property
    def per_day(self) -> float:
        """Changes that went live."""
        return self.deployments / self.days

    @property
    def per_week(self) -> float:
        """The same of seven days."""
        return self.per_day * 7

    @property
    def failure_rate(self) -> float | None:
        """The share of changes that failed, 0 to 1; None where nothing went out."""
        return self.failed / self.changes if self.changes else None


@dataclass(frozen=True)
class Report:
    """The figures of a span and of its parts; `open_since`: outages that have not ended, the oldest first."""

    total: Figures
    parts: list[Figures]
    open_since: list[datetime]


@dataclass
class _Tally:
    days: int
    deployments: int = 0
    changes: int = 0
    failed: int = 0
    leads: list[float] = field(default_factory=list)
    restores: list[float] = field(default_factory=list)

    def add(self, other: _Tally) -> None:
        self.deployments += other.deployments
        self.changes += other.changes
        self.failed += other.failed
        self.leads += other.leads
        self.restores += other.restores

    def figures(self) -> Figures:
        return Figures(
            self.days, self.deployments, spread(self.leads), self.changes, self.failed, spread(self.restores)
        )


def report(history: History, span: Span, environment: int | None = None) -> Report:
    """The figures of one environment, or of all."""
    tallies = [_Tally(period.days) for period in span.periods]
    outages = [each for each in history.outages if environment in {None, each.environment}]
    _count(tallies, span, (each for each in history.deliveries if environment in {None, each.environment}))
    _restore(tallies, span, outages)
    total = _Tally(span.days)
    for tally in tallies:
        total.add(tally)
    still = sorted(each.began for each in outages if each.ended is None)
    return Report(total.figures(), [tally.figures() for tally in tallies], still)


def spread(seconds: Iterable[float]) -> Spread:
    """Median and 90th percentile, the latter by nearest rank: a time that really was."""
    ordered = sorted(seconds)
    if not ordered:
        return Spread(0, None, None)
    return Spread(len(ordered), median(ordered), ordered[math.ceil(len(ordered) * 9 / 10) - 1])


def _count(tallies: list[_Tally], span: Span, deliveries: Iterable[Delivered]) -> None:
    """A change counts as one that went out when it began, and as a deployment when it went live."""
    for its in deliveries:
        if its.is_rollback:
            continue
        if its.is_counted and (began := span.index(its.started_at)) is not None:
            tallies[began].changes += 1
            tallies[began].failed += its.has_failed
        if its.live_at is not None and (went := span.index(its.live_at)) is not None:
            tallies[went].deployments += 1
            if not its.was_there:
                tallies[went].leads.append((its.live_at - its.pushed_at).total_seconds())


def _restore(tallies: list[_Tally], span: Span, outages: Iterable[Outage]) -> None:
    """An outage counts when it has ended, wherever it began."""
    for its in outages:
        if its.ended is not None and (part := span.index(its.ended)) is not None:
            tallies[part].restores.append((its.ended - its.began).total_seconds())

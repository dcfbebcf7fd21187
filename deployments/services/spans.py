"""The days that the figures are told of, in parts: days of a week, calendar weeks of more. Days begin at 0:00 UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SPANS = (7, 30, 90)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """A part of a span; `days` of it lie in the span."""

    begins: datetime
    days: int

    @property
    def last(self) -> datetime:
        """Its last day."""
        return self.begins + timedelta(days=self.days - 1)


@dataclass(frozen=True)
class Span:
    """So many whole days, today among them, and their parts, the oldest first."""

    days: int
    begins: datetime
    periods: tuple[Period, ...]

    @property
    def ends(self) -> datetime:
        """The midnight to come."""
        return self.begins + timedelta(days=self.days)

    def index(self, at: datetime) -> int | None:
        """The part that a moment lies in; None = it lies outside."""
        if not self.begins <= at < self.ends:
            return None
        day = (at - self.begins) // _DAY
        if len(self.periods) == self.days:
            return day
        # All parts but the first and the last are whole weeks.
        return (day - self.periods[0].days + 7) // 7


def span(days: int, now: datetime) -> Span:
    """The last `days` days: by day up to seven, else by weeks from Monday, of which the first and last may be cut."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begins = today - (days - 1) * _DAY
    length = 1 if days <= 7 else 7
    periods, at = [], begins
    while at <= today:
        following = at + timedelta(days=length - (at.weekday() if length == 7 else 0))
        whole = min(following, today + _DAY) - at
        periods.append(Period(at, whole.days))
        at = following
    return Span(days, begins, tuple(periods))

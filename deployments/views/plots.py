"""The figures as plots: bars in an SVG whose width the page decides, so that nothing is written inside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from builds.words import duration
from deployments.services.figures import Figures, Report, Spread
from deployments.services.spans import Period, Span

HEIGHT = 96
_SLOT = 10
_BAR = 8
_LEAST = 2.0  # what is not nothing is seen
NOTHING = "\N{EN DASH}"

_Pair = tuple[float | None, float | None]


@dataclass(frozen=True)
class Bar:
    """One part of the span, in the units of the drawing; `mark` is the upper edge of what nine of ten did not exceed."""

    x: int
    y: float
    height: float
    title: str
    mark: float | None = None


@dataclass(frozen=True)
class Plot:
    """One of the four figures: what it was in all, and a bar for each part."""

    key: str
    name: str
    said: str
    note: str
    top: str
    bars: list[Bar]
    width: int


@dataclass(frozen=True)
class _Figure:
    """How one figure is told: in all, and of a part the bar and its mark, in a unit that `words` knows."""

    key: str
    name: str
    said: Callable[[Figures], tuple[str, str]]
    values: Callable[[Figures], _Pair]
    words: Callable[[float], str]


def plots(report: Report, span: Span) -> list[Plot]:
    """The four, in the order in which they are usually told."""
    return [_plot(figure, report, span) for figure in _FIGURES]


def rate_words(figures: Figures) -> str:
    """The share of changes that failed."""
    return NOTHING if figures.failure_rate is None else _percent(figures.failure_rate)


def day_words(period: Period) -> str:
    """Its days: the first and the last, or the only one."""
    return f" {NOTHING} ".join(dict.fromkeys(_day(at) for at in (period.begins, period.last)))


def time_words(seconds: float | None) -> str:
    """A time, or the sign that there was none."""
    return NOTHING if seconds is None else duration(seconds)


def _plot(figure: _Figure, report: Report, span: Span) -> Plot:
    found = [figure.values(part) for part in report.parts]
    most = max((value for pair in found for value in pair if value is not None), default=0)
    bars = [
        _bar(place, pair, most, f"{day_words(period)}: {_pair_words(pair, figure.words)}")
        for place, (pair, period) in enumerate(zip(found, span.periods, strict=True))
    ]
    top = figure.words(most) if most else ""
    return Plot(figure.key, figure.name, *figure.said(report.total), top, bars, len(bars) * _SLOT)


def _bar(place: int, pair: _Pair, most: float, title: str) -> Bar:
    value, mark = pair
    height = max(value / most * HEIGHT, _LEAST) if value and most else 0.0
    upper = None if not mark or not most else min(round(HEIGHT - mark / most * HEIGHT, 1), HEIGHT - _LEAST)
    x = place * _SLOT + (_SLOT - _BAR) // 2
    return Bar(x, round(HEIGHT - height, 1), round(height, 1), title, upper)


def _often_words(total: Figures) -> tuple[str, str]:
    often = f"{total.per_day:.1f} a day" if total.per_day >= 1 else f"{total.per_week:.1f} a week"
    return often if total.deployments else NOTHING, f"{total.deployments} went live"


def _failed_words(total: Figures) -> tuple[str, str]:
    return rate_words(total), f"{total.failed} of {total.changes} that went out"


def _percent(value: float) -> str:
    return f"{value * 100:.0f} %" if value in {0, 1} or 0.01 <= value <= 0.99 else f"{value * 100:.1f} %"


def _spread_words(spread: Spread, otherwise: str) -> tuple[str, str]:
    if spread.p90 is None:
        return NOTHING, otherwise
    return time_words(spread.median), f"nine of ten within {duration(spread.p90)}"


def _pair_words(pair: _Pair, words: Callable[[float], str]) -> str:
    value, mark = pair
    said = NOTHING if value is None else words(value)
    return said if mark is None else f"{said}, nine of ten within {words(mark)}"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b}"


_FIGURES = (
    _Figure(
        "often",
        "Deployment frequency",
        _often_words,
        lambda its: (its.deployments, None),
        lambda count: str(int(count)),
    ),
    _Figure(
        "lead",
        "Lead time for changes",
        lambda its: _spread_words(its.lead, "nothing new went live"),
        lambda its: (its.lead.median, its.lead.p90),
        duration,
    ),
    _Figure("failed", "Change failure rate", _failed_words, lambda its: (its.failure_rate, None), _percent),
    _Figure(
        "restore",
        "Time to restore",
        lambda its: _spread_words(its.restore, "no outage ended"),
        lambda its: (its.restore.median, its.restore.p90),
        duration,
    ),
)

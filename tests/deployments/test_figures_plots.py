"""The plots of the figures: heights, marks and words, from reports made by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployments.services.figures import Figures, Report, spread
from deployments.services.spans import span
from deployments.views.plots import HEIGHT, NOTHING, day_words, plots

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
WEEK = span(7, NOW)


def part(deployments: int = 0, *, leads=(), changes: int = 0, failed: int = 0, days: int = 1) -> Figures:
    return Figures(days, deployments, spread(leads), changes, failed, spread([]))


def drawn(*parts: Figures, total: Figures | None = None):
    """The plots by their keys, of a week that ends with these days."""
    padded = [part()] * (7 - len(parts)) + list(parts)
    return {plot.key: plot for plot in plots(Report(total or part(days=7), padded, []), WEEK)}


def test_the_most_fills_the_plot_and_nothing_draws_nothing():
    plot = drawn(part(1), part(0), part(4))["often"]
    assert [bar.height for bar in plot.bars] == [0, 0, 0, 0, HEIGHT / 4, 0, HEIGHT]
    assert all(bar.y + bar.height == HEIGHT for bar in plot.bars)
    assert (plot.top, plot.bars[-1].title) == ("4", "27 Nov: 4")


def test_what_is_little_is_seen_all_the_same():
    bars = drawn(part(1), part(10_000))["often"].bars
    assert bars[-2].height == 2


def test_a_line_marks_what_nine_of_ten_did_not_exceed():
    bars = drawn(part(3, leads=[60, 60, 240]), part(1, leads=[480]))["lead"].bars
    assert [(bar.height, bar.mark) for bar in bars[-2:]] == [(HEIGHT / 8, HEIGHT / 2), (HEIGHT, 0)]
    assert bars[-2].title == "26 Nov: 1m 00s, nine of ten within 4m 00s"
    assert (bars[0].mark, bars[0].title) == (None, f"21 Nov: {NOTHING}")


def test_where_all_took_no_time_there_is_no_height():
    assert [bar.height for bar in drawn(part(1, leads=[0]))["lead"].bars] == [0] * 7


@pytest.mark.parametrize(
    ("failed", "changes", "said"), [(0, 3, "0 %"), (3, 3, "100 %"), (1, 8, "12 %"), (1, 500, "0.2 %"), (0, 0, NOTHING)]
)
def test_rates_are_said_in_percent(failed, changes, said):
    assert drawn(total=part(changes=changes, failed=failed, days=7))["failed"].said == said


@pytest.mark.parametrize(
    ("deployments", "said"), [(0, NOTHING), (6, "6.0 a week"), (7, "1.0 a day"), (80, "11.4 a day")]
)
def test_how_often_is_said_by_day_or_by_week(deployments, said):
    assert drawn(total=part(deployments, days=7))["often"].said == said


def test_days_are_named_by_the_first_and_the_last():
    weeks = [day_words(period) for period in span(30, NOW).periods]
    assert weeks[:2] == [f"29 Oct {NOTHING} 1 Nov", f"2 Nov {NOTHING} 8 Nov"]
    assert day_words(WEEK.periods[-1]) == "27 Nov"

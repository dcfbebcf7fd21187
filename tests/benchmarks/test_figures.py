"""How repeated measurements are summed up."""

from __future__ import annotations

import pytest

from benchmarks.figures import Spread, in_turns


def test_a_spread_knows_its_middle_and_its_tail():
    figures = Spread.of([float(value) for value in range(100, 0, -1)])
    assert (figures.least, figures.median, figures.p95, figures.p99) == (1, 50.5, 95, 99)


def test_a_single_value_is_everything_at_once():
    figures = Spread.of([7.0])
    assert (figures.least, figures.median, figures.p95, figures.percentile(0)) == (7, 7, 7, 7)


def test_nothing_measured_is_no_spread():
    with pytest.raises(ValueError, match="nothing was measured"):
        Spread.of([])


def test_raw_and_ours_take_turns_and_the_first_round_does_not_count():
    calls = []

    def note(what):
        calls.append(what)
        return len(calls)

    raw, ours = in_turns(2, lambda: note("raw"), lambda: note("ours"))
    assert calls == ["raw", "ours"] * 3
    assert (raw, ours) == ([3, 5], [4, 6])

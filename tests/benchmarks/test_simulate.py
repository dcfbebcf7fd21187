"""The simulation of a day: its arrivals are as many as asked for, and more slots never mean longer waits."""

from __future__ import annotations

import pytest

from benchmarks.simulate import DAY_SECONDS, Day, rate, slots_for, waits


@pytest.mark.parametrize("peak", [1.0, 2.0, 3.0])
def test_the_rate_has_its_peak_and_its_mean(peak):
    rates = [rate(second, peak) for second in range(0, DAY_SECONDS, 60)]
    assert max(rates) == pytest.approx(peak, rel=0.01)
    assert sum(rates) / len(rates) == pytest.approx(1, rel=0.02)


def test_a_day_has_about_as_many_builds_as_asked_for():
    assert len(waits(Day(builds=5000, slots=1000)).values) == pytest.approx(5000, rel=0.05)


def test_with_enough_slots_nobody_waits_and_with_too_few_the_day_is_lost():
    enough, few = waits(Day(builds=1000, slots=1000)), waits(Day(builds=1000, slots=2))
    assert enough.p99 == 0
    assert few.median > 3600


def test_the_fewest_slots_that_do_are_found():
    day = Day(builds=1000, slots=1)
    slots = slots_for(day, p95=30)
    assert waits(Day(builds=1000, slots=slots)).p95 <= 30 < waits(Day(builds=1000, slots=slots - 1)).p95

"""Shares as weights and as numbers of containers: near what was asked, and never silently something else."""

from __future__ import annotations

import itertools

import pytest

from runners.targets.docker.shares import MOST, containers, weights

PERCENTS = (0.5, 1, 2.5, 5, 10, 33, 50, 66.6, 90, 99)
COUNTS = list(itertools.product((1, 2, 3, 7, 20), repeat=2))


@pytest.mark.parametrize("percent", PERCENTS)
def test_weights_are_at_most_a_tenth_off_and_such_as_haproxy_takes(percent):
    for new, old in COUNTS:
        found = weights(percent, new, old)
        if found is not None:
            assert abs(found.percent - percent) <= percent / 10, (new, old)
            assert 1 <= found.new <= new
            assert found.old == old
            assert 1 <= found.new_weight <= MOST
            assert 1 <= found.old_weight <= MOST


@pytest.mark.parametrize("percent", [1, 5, 10, 50, 90])
def test_usual_shares_can_always_be_told(percent):
    assert all(weights(percent, new, old) for new, old in itertools.product((1, 2, 3, 5), repeat=2))


def test_what_is_too_little_for_the_weights_is_none():
    assert weights(0.01, 1, 1) is None
    assert weights(100 / (MOST + 1), 1, 1) is not None


def test_what_is_too_much_for_the_weights_is_none():
    assert weights(99.9, 1, 20) is None
    assert weights(100 * MOST / (MOST + 1), 1, 1) is not None


@pytest.mark.parametrize(("percent", "old"), [(100, 3), (10, 0)])
def test_the_whole_goes_to_the_new_ones_alone(percent, old):
    found = weights(percent, 2, old)
    assert (found.new, found.old_weight, found.percent) == (2, 0, 100)
    assert containers(percent, 2, old) == 2


@pytest.mark.parametrize(
    ("percent", "new", "old", "count"),
    [(50, 3, 3, 3), (25, 3, 3, 1), (24.9, 3, 3, 0), (1, 3, 3, 0), (1, 1, 99, 1), (40, 3, 3, 2), (90, 2, 2, 2)],
)
def test_containers_are_never_a_larger_share_than_was_asked(percent, new, old, count):
    found = containers(percent, new, old)
    assert found == count
    assert 100 * found <= percent * (found + old)

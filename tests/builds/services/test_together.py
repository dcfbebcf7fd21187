"""Work for many who ask at a time: what comes while one batch is done is done together, and nobody fails for another."""

from __future__ import annotations

from concurrent.futures import Future
from itertools import chain
from threading import Event

import pytest

from builds.services.together import MOST, Together


class Desk:
    """Doubles numbers; the first batch waits until told to go on, and batches with a negative number are refused."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.alone: list[list[int]] = []
        self.told: list[list[int]] = []
        self.began, self.go = Event(), Event()
        self.together = Together(self._work, self._work_alone, self.told.append)

    def _work(self, numbers: list[int]) -> list[int]:
        self.batches.append(numbers)
        if not self.began.is_set():
            self.began.set()
            assert self.go.wait(30)
        return self._doubled(numbers)

    def _work_alone(self, numbers: list[int]) -> list[int]:
        self.alone.append(numbers)
        return self._doubled(numbers)

    def _doubled(self, numbers: list[int]) -> list[int]:
        if min(numbers) < 0:
            raise ValueError(min(numbers))
        return [2 * number for number in numbers]

    def crowd(self, first: int, others: list[int]) -> list[Future[int]]:
        """The promises of the first, which is worked on, and of those that come meanwhile."""
        promises = [self.together.submit(first)]
        assert self.began.wait(30)
        promises += [self.together.submit(number) for number in others]
        self.go.set()
        return promises


@pytest.fixture
def desk():
    its = Desk()
    yield its
    its.go.set()
    its.together.stop()


def test_what_comes_meanwhile_is_done_together(desk):
    promises = desk.crowd(1, list(range(2, 12)))
    assert [promise.result(30) for promise in promises] == [2 * number for number in range(1, 12)]
    assert [len(batch) for batch in desk.batches] == [1, 10]
    desk.together.stop()
    assert sorted(chain.from_iterable(desk.told)) == [2 * number for number in range(1, 12)]


def test_one_batch_takes_so_many_and_the_next_goes_on(desk):
    promises = desk.crowd(0, list(range(1, MOST + 6)))
    assert [promise.result(30) for promise in promises] == [2 * number for number in range(MOST + 6)]
    assert [len(batch) for batch in desk.batches] == [1, MOST, 5]


def test_nobody_fails_for_another(desk):
    first, *others = desk.crowd(1, [2, -3, 4])
    assert first.result(30) == 2
    assert [others[0].result(30), others[2].result(30)] == [4, 8]
    with pytest.raises(ValueError, match="-3"):
        others[1].result(30)
    assert sorted(desk.alone) == [[-3], [2], [4]]
    desk.together.stop()
    assert sorted(chain.from_iterable(desk.told)) == [2, 4, 8]


def test_the_first_may_fail_and_the_next_goes_on(desk):
    first, second = desk.crowd(-1, [5])
    with pytest.raises(ValueError, match="-1"):
        first.result(30)
    assert second.result(30) == 10
    assert desk.together.submit(7).result(30) == 14, "and whoever comes later finds it at work again"


def test_a_listener_that_fails_stops_nobody():
    def broken(results: list[int]) -> None:
        raise OSError(results)

    together = Together(list, list, broken)
    assert [together.submit(number).result(30) for number in (1, 2, 3)] == [1, 2, 3]
    together.stop()


def test_who_asked_may_go_away(desk):
    promise, other = desk.crowd(1, [2])
    assert not promise.cancel()
    assert other.result(30) == 4

"""Work for many threads at a time: what comes while one works is done together, and nobody fails for another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from threading import Event

import pytest
from django.db import connection, transaction

from builds.services.together import MOST, Together
from tests.servers import wait_until


class Desk:
    """Doubles numbers; the first time it waits until told to, and it refuses batches with a negative number."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.told: list[list[int]] = []
        self.began, self.go = Event(), Event()
        self.together = Together(self._work, self.told.append)

    def _work(self, numbers: list[int]) -> list[int]:
        self.batches.append(numbers)
        if not self.began.is_set():
            self.began.set()
            assert self.go.wait(30)
        if min(numbers) < 0:
            raise ValueError(min(numbers))
        return [2 * number for number in numbers]

    def do(self, number: int) -> int:
        """One item, from any thread."""
        try:
            return self.together.do(number)
        finally:
            connection.close()


def crowd(desk: Desk, first: int, others: list[int]):
    """Futures of the first, which works, and of those that come meanwhile."""
    pool = ThreadPoolExecutor(len(others) + 1)
    futures = [pool.submit(desk.do, first)]
    assert desk.began.wait(30)
    futures += [pool.submit(desk.do, number) for number in others]
    wait_until(lambda: len(desk.together._waiting) == len(others), what="the others to wait")
    desk.go.set()
    pool.shutdown()
    return futures


def test_what_comes_meanwhile_is_done_together():
    desk = Desk()
    futures = crowd(desk, 1, list(range(2, 12)))
    assert [future.result() for future in futures] == [2 * number for number in range(1, 12)]
    assert [len(batch) for batch in desk.batches] == [1, 10]
    assert sorted(chain.from_iterable(desk.told)) == sorted(2 * number for number in range(1, 12))


def test_one_batch_takes_so_many_and_the_next_goes_on():
    desk = Desk()
    futures = crowd(desk, 0, list(range(1, MOST + 6)))
    assert [future.result() for future in futures] == [2 * number for number in range(MOST + 6)]
    assert [len(batch) for batch in desk.batches] == [1, MOST, 5]


def test_nobody_fails_for_another():
    desk = Desk()
    first, *others = crowd(desk, 1, [2, -3, 4])
    assert first.result() == 2
    assert [others[0].result(), others[2].result()] == [4, 8]
    with pytest.raises(ValueError, match="-3"):
        others[1].result()
    assert sorted(chain.from_iterable(desk.told)) == [2, 4, 8]


def test_the_first_may_fail_and_the_next_goes_on():
    desk = Desk()
    first, second = crowd(desk, -1, [5])
    with pytest.raises(ValueError, match="-1"):
        first.result()
    assert second.result() == 10
    assert desk.do(7) == 14, "and whoever comes later finds nobody at work"


@pytest.mark.django_db
def test_in_a_transaction_of_the_caller_only_their_own_work_is_done():
    desk = Desk()
    desk.go.set()
    with transaction.atomic():
        assert desk.together.do(3) == 6
    assert (desk.batches, desk.told) == ([[3]], [[6]])

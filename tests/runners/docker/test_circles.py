"""Who may have a room after whom, and for how long it waits."""

from __future__ import annotations

import time

import pytest

from runners.executors.docker.circles import IDLE_SECONDS, MOST_WAITING, OLDEST_SECONDS, Circles
from runners.executors.docker.room import Room


class Clock:
    """Says what it is set to."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circles(clock) -> Circles:
    return Circles(clock)


def room(name: str, clock: Clock) -> Room:
    return Room(name=name, network="n", is_alone=True, holder=name, resolver="nameserver 127.0.0.11\n", born=clock())


def test_a_room_waits_for_its_own_circle_and_for_one_job(circles, clock):
    assert circles.put("a", room("one", clock))

    assert circles.take("b") is None
    assert circles.take("") is None
    assert circles.take("a") == room("one", clock)
    assert circles.take("a") is None


def test_nobodys_room_does_not_wait(circles, clock):
    assert not circles.put("", room("one", clock))
    assert circles.take("") is None


def test_the_last_that_came_is_the_first_to_be_taken(circles, clock):
    for name in ("one", "two"):
        circles.put("a", room(name, clock))

    assert [circles.take("a").name for _ in range(2)] == ["two", "one"]


def test_a_room_that_nobody_comes_for_is_overdue_and_not_given_any_more(circles, clock):
    circles.put("a", room("one", clock))
    assert circles.next_in() == IDLE_SECONDS

    clock.now += IDLE_SECONDS

    assert circles.next_in() == 0
    assert circles.take("a") is None
    assert [one.name for one in circles.overdue()] == ["one"]
    assert circles.next_in() is None
    assert circles.overdue() == []


def test_of_too_many_the_oldest_go(circles, clock):
    for number in range(MOST_WAITING + 2):
        circles.put(f"circle {number}", room(str(number), clock))

    assert circles.next_in() == 0
    assert [one.name for one in circles.overdue()] == ["0", "1"]
    assert len(circles.drain()) == MOST_WAITING
    assert circles.drain() == []


def test_an_old_room_is_not_passed_on_for_ever(circles, clock):
    old = room("old", clock)
    clock.now += OLDEST_SECONDS + 1

    assert not circles.put("a", old)


def test_a_circle_is_busy_while_its_jobs_come_one_upon_the_other(circles, clock):
    assert not circles.is_busy("a")
    circles.take("a")
    assert circles.is_busy("a")
    assert not circles.is_busy("b")

    clock.now += IDLE_SECONDS

    assert not circles.is_busy("a")


def test_who_is_in_no_circle_is_never_busy(circles):
    circles.take("")
    assert not circles.is_busy("")

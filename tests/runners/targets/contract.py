"""What every kind of target has to show, whatever it is: a test class that each kind's tests fill with a place."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any, Protocol

import pytest

from runners.targets.contract import Delivery, TargetError
from tests.runners.targets.releases import Log

SOON = 60.0  # seconds: within that even an address that never answers is given up


class Place(Protocol):
    """Where the tests of a kind deliver to."""

    target: ModuleType  # runners.targets.<kind>.target
    settings: Any  # of the kind, good ones
    wrong: Any  # the same with credentials that are not let in
    away: Any  # the same with an address where nobody is

    def release(self, number: int, **fields: object) -> Delivery:
        """A release of which one can see that it runs."""

    def serving(self) -> dict[str, float]:
        """Which share of the place runs which release: {"12": 0.25, "11": 0.75}; looked at from outside."""

    def work(self) -> object:
        """Compares equal for as long as nothing was sent, started or switched."""


class TargetContract:
    """Subclass it, and give a fixture `place`."""

    has_shares = True  # whether a share of it can have another release
    keeps_releases = True  # whether the release before is still there, and only switched back to

    @pytest.fixture
    def place(self) -> Place:
        raise NotImplementedError

    def deliver(self, place: Place, number: int, **fields) -> Log:
        log = Log()
        place.target.deliver(place.settings, place.release(number, **fields), log)
        return log

    def running(self, place: Place, number: int = 1) -> frozenset[str] | None:
        return place.target.running(place.settings, place.release(number), Log())

    def test_nothing_of_ours_runs_before_the_first_delivery(self, place):
        assert self.running(place) == frozenset()

    def test_what_is_delivered_runs_everywhere(self, place):
        log = self.deliver(place, 1)

        assert place.serving() == {"1": 1.0}
        assert self.running(place) == {"1"}
        assert log

    def test_the_next_takes_its_place(self, place):
        self.deliver(place, 1)
        self.deliver(place, 2, previous="1")

        assert place.serving() == {"2": 1.0}
        assert self.running(place) == {"2"}

    def test_twice_is_once(self, place):
        self.deliver(place, 1)
        self.deliver(place, 2, previous="1")
        before = place.work()

        self.deliver(place, 2, previous="1")

        assert place.serving() == {"2": 1.0}
        assert place.work() == before

    def test_a_share_first_and_then_the_whole(self, place):
        if not self.has_shares:
            pytest.skip("this kind has no shares")
        self.deliver(place, 1)

        self.deliver(place, 2, previous="1", percent=10.0)
        assert set(place.serving()) == {"1", "2"}
        assert 0 < place.serving()["2"] < 0.5
        assert self.running(place) == {"1", "2"}

        self.deliver(place, 2, previous="1", percent=50.0)
        assert 0 < place.serving()["1"] < 1

        self.deliver(place, 2, previous="1", percent=100.0)
        assert place.serving() == {"2": 1.0}
        assert self.running(place) == {"2"}

    def test_a_share_is_taken_back(self, place):
        if not self.has_shares:
            pytest.skip("this kind has no shares")
        self.deliver(place, 1)
        self.deliver(place, 2, previous="1", percent=10.0)

        self.deliver(place, 1, previous="1", is_rollback=True)

        assert place.serving() == {"1": 1.0}

    def test_a_rollback_switches_to_what_is_still_there(self, place):
        if not self.keeps_releases:
            pytest.skip("this kind keeps no releases")
        self.deliver(place, 1)
        self.deliver(place, 2, previous="1")
        old = place.release(1, previous="2", is_rollback=True)
        for path in sorted(old.folder.rglob("*"), reverse=True):  # nothing of it can be sent
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

        place.target.deliver(place.settings, old, Log())

        assert place.serving() == {"1": 1.0}
        assert self.running(place) == {"1"}

    def test_who_is_not_let_in_is_told_so(self, place):
        with pytest.raises(TargetError) as told:
            place.target.deliver(place.wrong, place.release(1), Log())

        assert str(told.value).endswith((".", ")"))
        assert place.serving() == {}

    def test_where_nobody_is_is_given_up_in_time(self, place):
        began = time.monotonic()

        with pytest.raises(TargetError):
            place.target.deliver(place.away, place.release(1), Log())

        assert time.monotonic() - began < SOON

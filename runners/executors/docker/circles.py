"""Rooms that wait for another job of the circle that had them: who may be given what, and when nobody comes any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from runners.executors.docker.room import Room

MOST_WAITING = 8  # of all circles together
IDLE_SECONDS = 10.0
# The engine writes down whom a room asks for addresses when it is made: the host may ask somebody else by now.
OLDEST_SECONDS = 600.0


@dataclass(frozen=True)
class _Waiting:
    circle: str
    room: Room
    since: float


class Circles:
    """Who takes turns with whom. Not thread-safe: the rooms' own lock is around it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: list[_Waiting] = []  # the one that came last stands last
        self._asked: dict[str, float] = {}

    def take(self, circle: str) -> Room | None:
        """The room that waits for the shortest time for jobs of this circle; "" is nobody's."""
        if not circle:
            return None
        self._asked[circle] = self._clock()
        for waiting in reversed(self._waiting):
            if waiting.circle == circle and not self._is_over(waiting):
                self._waiting.remove(waiting)
                return waiting.room
        return None

    def is_busy(self, circle: str) -> bool:
        """Whether another job of it asked a moment ago; to be asked before `take`."""
        return self._clock() - self._asked.get(circle, float("-inf")) < IDLE_SECONDS

    def put(self, circle: str, room: Room) -> bool:
        """Let it wait for the circle's next job; False where it must go."""
        if not circle or self._clock() - room.born > OLDEST_SECONDS:
            return False
        self._waiting.append(_Waiting(circle, room, self._clock()))
        return True

    def overdue(self) -> list[Room]:
        """Take out those that nobody came for, and the oldest where too many wait."""
        surplus = max(0, len(self._waiting) - MOST_WAITING)
        gone = [one for at, one in enumerate(self._waiting) if at < surplus or self._is_over(one)]
        self._waiting = [one for one in self._waiting if one not in gone]
        self._asked = {circle: at for circle, at in self._asked.items() if self._clock() - at < IDLE_SECONDS}
        return [one.room for one in gone]

    def next_in(self) -> float | None:
        """Seconds until one is overdue; None where none waits."""
        if len(self._waiting) > MOST_WAITING:
            return 0.0
        return (
            max(0.0, min(one.since for one in self._waiting) + IDLE_SECONDS - self._clock()) if self._waiting else None
        )

    def drain(self) -> list[Room]:
        """Take out all."""
        rooms, self._waiting = [one.room for one in self._waiting], []
        return rooms

    def _is_over(self, one: _Waiting) -> bool:
        return self._clock() - one.since >= IDLE_SECONDS

"""Network namespaces made ahead: a container that joins one starts three times as fast as one that gets its own.

A room serves one step at a time of one job. What has nothing beside it stands on one network whose containers cannot
reach each other (`walls.py`), and its room may serve another job of the same circle when all of the first is gone; what
has services beside it stands on a network of its own, which is thrown away with the job.
"""

from __future__ import annotations

import functools
import logging
import secrets
import threading
import time
from collections import deque
from dataclasses import replace

from runners.errors import EngineError, RunnerError
from runners.executors.docker import labels, pause
from runners.executors.docker.circles import Circles
from runners.executors.docker.disposal import Disposal
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.networks import make_network
from runners.executors.docker.owner import Owner
from runners.executors.docker.room import Room
from runners.executors.docker.walls import Walls, address_of, holder, raise_walls

logger = logging.getLogger(__name__)

MOST_READY = 4
# Making a room costs the machine more than it saves whoever takes it: while steps are being started, nobody makes one.
QUIET_SECONDS = 0.7
RETRY_SECONDS = 5.0


class Rooms:
    """Keeps rooms waiting while the executor is open: one at first, and up to MOST_READY where jobs have use for them."""

    def __init__(self, engine: Engine, owner: Owner, instance: str, disposal: Disposal) -> None:
        self._engine, self._disposal = engine, disposal
        self._instance, self._labels = instance, labels.of_owner(instance, owner.name)
        self._prefix = f"ci-room-{owner.name}"
        self._walled_name = f"ci-steps-{owner.name}"
        self._image = ""
        self._walls: Walls | None = None
        # By `is_alone`: what waits, and how much of it should.
        self._ready: dict[bool, deque[Room]] = {True: deque(), False: deque()}
        self._wanted = {True: 1, False: 0}
        self._circles = Circles()
        self._known: set[str] = {self._walled_name}
        self._changed = threading.Condition()
        self._taken_at = float("-inf")
        self._closed = False
        self._maker = threading.Thread(target=self._make_ready, name="docker-rooms")

    def open(self) -> None:
        """Begin to fill up."""
        try:
            self._image = pause.ensure(self._engine)
        except (RunnerError, Refused) as error:
            logger.warning("no rooms are kept ready: %s", error)
        if self._image:
            self._maker.start()

    def expect(self, *, alone: int, beside: int) -> None:
        """A job is about to use so many at once: for what stands alone, and for what has services beside it."""
        with self._changed:
            for is_alone, uses in ((True, alone), (False, beside)):
                self._wanted[is_alone] = min(max(self._wanted[is_alone], uses), MOST_READY)
            self._changed.notify_all()

    def take(self) -> Room:
        """A room on a network of its own: a ready one, else a network alone. EngineError where the engine has no more."""
        if (room := self._take_ready(is_alone=False)) is not None:
            return room
        name = self._name()
        return Room(name=name, network=self._make_network(name))

    def take_alone(self, *, uses: int = 1, circle: str = "") -> Room:
        """A room for a container without others beside it; one with a namespace where it has several uses."""
        is_busy, passed_on = self._of_circle(circle)
        if (room := passed_on or self._take_ready(is_alone=True)) is not None:
            return room
        if self._walls is None:
            return self.take()
        # A namespace that one container uses costs more than it saves; one that goes from job to job does not.
        if uses > 1 or is_busy:
            return self._make(is_alone=True)
        return Room(name="", network=self._walls.network, is_alone=True)

    def pass_on(self, room: Room, circle: str) -> None:
        """Keep it a while for the circle's next job, if really nothing is in it any more; else remove it now.

        To be called when all containers of the job that had it have been removed.
        """
        is_passable = bool(circle and room.is_alone and room.holder and room.resolver)
        if is_passable and self._is_empty(room):
            with self._changed:
                if not self._closed and self._circles.put(circle, room):
                    self._changed.notify_all()
                    return
        self.remove(room)

    def give_back(self, room: Room) -> None:
        """Throw it away, soon; every container on it must have been removed or be on its way."""
        self._disposal.add(lambda: self.remove(room))

    def remove(self, room: Room) -> None:
        """Remove it now; where that fails, the sweep may."""
        with self._changed:
            self._known.discard(room.name)
        if room.holder:
            self._engine.remove(room.holder)
        if not room.is_alone:  # else the network is everybody's
            self._engine.remove_network(room.network)

    def keeps(self, name: str) -> bool:
        """Whether the network or container of this name is ready or in use, as far as this process knows."""
        with self._changed:
            return name in self._known or name.startswith(self._walled_name)

    def close(self) -> None:
        """Remove what is ready and stop making more."""
        with self._changed:
            self._closed = True
            left = [*(room for ready in self._ready.values() for room in ready), *self._circles.drain()]
            self._changed.notify_all()
        if self._maker.ident is not None:
            self._maker.join()
        with self._changed:
            left += [room for ready in self._ready.values() for room in ready if room not in left]
        removals = [functools.partial(self.remove, room) for room in left]
        self._disposal.add(*removals, lambda: self._engine.remove_network(self._walled_name))

    def _of_circle(self, circle: str) -> tuple[bool, Room | None]:
        """Whether its jobs come one upon the other, and the room of an earlier one."""
        is_first, is_busy = True, False
        while True:
            with self._changed:
                if is_first:
                    is_first, is_busy = False, self._circles.is_busy(circle)
                room = self._circles.take(circle)
            if room is None or self._is_usable(room):
                return is_busy, room
            self.give_back(room)

    def _is_usable(self, room: Room) -> bool:
        return self._engine.state(room.holder).running

    def _is_empty(self, room: Room) -> bool:
        """Whether the engine knows of no container in it, running or not, but its holder."""
        try:
            found = self._engine.containers(labels.of_instance(self._instance))
        except (RunnerError, Refused) as error:
            logger.warning("nobody gets the room %s: %s", room.name, error)
            return False
        return all((one.get("HostConfig") or {}).get("NetworkMode") != room.mode for one in found)

    def _take_ready(self, *, is_alone: bool) -> Room | None:
        while True:
            with self._changed:
                self._taken_at = time.monotonic()
                self._changed.notify_all()
                if not self._ready[is_alone]:
                    return None
                room = self._ready[is_alone].popleft()
            if self._is_usable(room):
                return room
            self.give_back(room)

    def _make_ready(self) -> None:
        wait_for = self._raise_walls()
        while self._wait(wait_for):
            wait_for = 0.0
            with self._changed:
                idle, is_alone = self._circles.overdue(), self._lacking()
            for room in idle:
                self.give_back(room)
            if is_alone is not None:
                wait_for = self._make_one(is_alone=is_alone)

    def _make_one(self, *, is_alone: bool) -> float:
        """One more that waits; seconds to be patient where there is none."""
        try:
            room = self._make(is_alone=is_alone)
        except (RunnerError, Refused) as error:
            logger.warning("could not prepare a room: %s", error)
            return self._raise_walls() or RETRY_SECONDS
        with self._changed:
            self._ready[is_alone].append(room)
        return 0.0

    def _raise_walls(self) -> float:
        """Make the network for what stands alone, where there is none yet; seconds to wait where that failed."""
        try:
            if self._walls and self._engine.has_network(self._walls.network):
                return 0.0
            self._walls = raise_walls(self._engine, self._walled_name, self._image, self._labels)
        except (RunnerError, Refused) as error:
            self._walls = None
            logger.warning("could not make the network for steps: %s", error)
            return RETRY_SECONDS
        if self._walls is None:
            logger.warning("this engine does not keep the containers of a network apart: each step gets a network")
        return 0.0

    def _wait(self, seconds: float) -> bool:
        """Until a room is to be made, and nobody in a hurry, or one has waited for too long; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)
            while not self._closed:
                waits = [left for left in (self._until_quiet(), self._circles.next_in()) if left is not None]
                if waits and min(waits) <= 0:
                    return True
                self._changed.wait(min(waits, default=None))
            return False

    def _until_quiet(self) -> float | None:
        """Seconds until nobody is in a hurry; None where no room is lacking."""
        lacks = any(len(ready) < self._wanted[kind] for kind, ready in self._ready.items())
        return max(0.0, self._taken_at + QUIET_SECONDS - time.monotonic()) if lacks else None

    def _lacking(self) -> bool | None:
        """What is to be made now: for what stands alone or not, None for nothing."""
        if self._until_quiet() != 0:
            return None
        return next(kind for kind, ready in self._ready.items() if len(ready) < self._wanted[kind])

    def _name(self) -> str:
        name = f"{self._prefix}-{secrets.token_hex(4)}"
        with self._changed:
            self._known.add(name)
        return name

    def _make(self, *, is_alone: bool) -> Room:
        name, walls = self._name(), self._walls
        is_alone = is_alone and walls is not None
        network = walls.network if walls and is_alone else self._make_network(name)
        room = Room(name, network, is_alone, holder=name, resolver=walls.resolver if walls else "")
        try:
            its_id = self._engine.create(name, holder(self._image, network, self._labels))
            self._engine.start(its_id)
            return replace(room, holder=its_id, address=address_of(self._engine, its_id))
        except (RunnerError, Refused) as error:
            self.give_back(room)
            raise EngineError(f"the container that holds {name} could not be made: {error}") from error

    def _make_network(self, name: str) -> str:
        return make_network(self._engine, name, self._labels)

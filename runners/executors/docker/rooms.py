"""Network namespaces made ahead: a container that joins one starts three times as fast as one that gets its own.

A room serves one step at a time of one job, and is thrown away with it; no two jobs ever share one. What has nothing
beside it stands on one network whose containers cannot reach each other (`walls.py`); what has, on one of its own.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass

from runners.errors import EngineError, RunnerError
from runners.executors.docker import labels, pause
from runners.executors.docker.disposal import Disposal
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.networks import make_network
from runners.executors.docker.owner import Owner
from runners.executors.docker.walls import address_of, holder, raise_walls

logger = logging.getLogger(__name__)

MOST_READY = 4
# Making a room costs the machine more than it saves whoever takes it: while steps are being started, nobody makes one.
QUIET_SECONDS = 0.7
RETRY_SECONDS = 5.0


@dataclass(frozen=True)
class Room:
    """A place on a network, and where there is one the container whose namespace there can be joined."""

    name: str
    network: str  # its id
    is_alone: bool = False  # the network is for all that stand alone: nothing on it can be reached, nor has names
    holder: str = ""  # the container's id
    address: str = ""  # of the holder, on the network

    @property
    def mode(self) -> str:
        """What the engine is told of a container that is to be in it: to join the namespace, or the network."""
        return f"container:{self.holder}" if self.holder else self.network


class Rooms:
    """Keeps rooms waiting while the executor is open: one at first, and up to MOST_READY where jobs have use for them."""

    def __init__(self, engine: Engine, owner: Owner, instance: str, disposal: Disposal) -> None:
        self._engine, self._disposal = engine, disposal
        self._labels = labels.of_owner(instance, owner.name)
        self._prefix = f"ci-room-{owner.name}"
        self._walled_name = f"ci-steps-{owner.name}"
        self._image = self._walled = ""
        # By `is_alone`: what waits, and how much of it should.
        self._ready: dict[bool, deque[Room]] = {True: deque(), False: deque()}
        self._wanted = {True: 1, False: 0}
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

    def take_alone(self, *, uses: int = 1) -> Room:
        """A room for a container without others beside it; one with a namespace where it has several uses."""
        if (room := self._take_ready(is_alone=True)) is not None:
            return room
        if not self._walled:
            return self.take()
        # A namespace that one container uses costs more than it saves.
        return self._make(is_alone=True) if uses > 1 else Room(name="", network=self._walled, is_alone=True)

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
            self._changed.notify_all()
        if self._maker.ident is not None:
            self._maker.join()
        left = [room for ready in self._ready.values() for room in ready]
        removals = [lambda room=room: self.remove(room) for room in left]
        self._disposal.add(*removals, lambda: self._engine.remove_network(self._walled_name))

    def _take_ready(self, *, is_alone: bool) -> Room | None:
        while True:
            with self._changed:
                self._taken_at = time.monotonic()
                self._changed.notify_all()
                if not self._ready[is_alone]:
                    return None
                room = self._ready[is_alone].popleft()
            if self._engine.state(room.holder).running:
                return room
            self.give_back(room)

    def _make_ready(self) -> None:
        wait_for = self._raise_walls()
        while (is_alone := self._next_wanted(wait_for)) is not None:
            try:
                room, wait_for = self._make(is_alone=is_alone), 0.0
            except (RunnerError, Refused) as error:
                logger.warning("could not prepare a room: %s", error)
                wait_for = self._raise_walls() or RETRY_SECONDS
                continue
            with self._changed:
                self._ready[is_alone].append(room)

    def _raise_walls(self) -> float:
        """Make the network for what stands alone, where there is none yet; seconds to wait where that failed."""
        try:
            if self._walled and self._engine.has_network(self._walled):
                return 0.0
            self._walled = raise_walls(self._engine, self._walled_name, self._image, self._labels)
        except (RunnerError, Refused) as error:
            self._walled = ""
            logger.warning("could not make the network for steps: %s", error)
            return RETRY_SECONDS
        if not self._walled:
            logger.warning("this engine does not keep the containers of a network apart: each step gets a network")
        return 0.0

    def _next_wanted(self, seconds: float) -> bool | None:
        """Wait until there is something to make, and nobody in a hurry: for what stands alone or not, None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)
            while not self._closed:
                lacks = [kind for kind, ready in self._ready.items() if len(ready) < self._wanted[kind]]
                busy_for = self._taken_at + QUIET_SECONDS - time.monotonic()
                if lacks and busy_for <= 0:
                    return lacks[0]
                self._changed.wait(busy_for if lacks else None)
            return None

    def _name(self) -> str:
        name = f"{self._prefix}-{secrets.token_hex(4)}"
        with self._changed:
            self._known.add(name)
        return name

    def _make(self, *, is_alone: bool) -> Room:
        name, is_alone = self._name(), is_alone and bool(self._walled)
        network = self._walled if is_alone else self._make_network(name)
        room = Room(name=name, network=network, is_alone=is_alone, holder=name)
        try:
            its_id = self._engine.create(name, holder(self._image, network, self._labels))
            self._engine.start(its_id)
            return Room(name, network, is_alone, its_id, address_of(self._engine, its_id))
        except (RunnerError, Refused) as error:
            self.give_back(room)
            raise EngineError(f"the container that holds {name} could not be made: {error}") from error

    def _make_network(self, name: str) -> str:
        return make_network(self._engine, name, self._labels)

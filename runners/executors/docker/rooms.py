"""Networks made ahead, each with a container that only holds a namespace on it: joining one is three times as fast.

A room serves one step (or one pipeline's container) and is thrown away; no two of anything ever share one.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from runners.errors import EngineError, RunnerError
from runners.executors.docker import hardening, labels, pause
from runners.executors.docker.disposal import Disposal
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.owner import Owner

logger = logging.getLogger(__name__)

MOST_READY = 4
MAKERS = 2
RETRY_SECONDS = 5.0
HOSTNAME = "ci"

# The engine's own pools hold about 31 networks. When they are used up, we take small nets of 198.18.0.0/15, a range
# that is reserved for benchmarks and routed nowhere.
_OWN_NETS = 4096
_TRIES = 16


@dataclass(frozen=True)
class Room:
    """A network, and where there is one the container whose namespace on it can be joined."""

    name: str
    network: str  # its id
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
        self._image = ""
        self._ready: deque[Room] = deque()
        self._known: set[str] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._wanted = 1
        self._makers: list[threading.Thread] = []

    def open(self) -> None:
        """Begin to fill up."""
        try:
            self._image = pause.ensure(self._engine)
        except (RunnerError, Refused) as error:
            logger.warning("no rooms are kept ready: %s", error)
        if not self._image:
            return
        self._makers = [threading.Thread(target=self._fill, name=f"docker-rooms-{n}") for n in range(MAKERS)]
        for thread in self._makers:
            thread.start()

    def expect(self, uses: int) -> None:
        """A job is about to take so many, one after another or together."""
        with self._changed:
            self._wanted = min(max(self._wanted, uses), MOST_READY)
            self._changed.notify_all()

    def take(self) -> Room:
        """A room for one use: a ready one, else a new network alone. EngineError where the engine has no more."""
        while (room := self._next_ready()) is not None:
            if self._engine.state(room.holder).running:
                return room
            self.give_back(room)
        name = self._name()
        return Room(name=name, network=self._make_network(name))

    def give_back(self, room: Room) -> None:
        """Throw it away, soon; every container on it must have been removed or be on its way."""
        self._disposal.add(lambda: self.remove(room))

    def remove(self, room: Room) -> None:
        """Remove it now; where that fails, the sweep may."""
        with self._changed:
            self._known.discard(room.name)
        if room.holder:
            self._engine.remove(room.holder)
        self._engine.remove_network(room.network)

    def keeps(self, name: str) -> bool:
        """Whether the network or container of this name is ready or in use, as far as this process knows."""
        with self._changed:
            return name in self._known

    def close(self) -> None:
        """Remove what is ready and stop making more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._makers:
            thread.join()
        while self._ready:
            self.give_back(self._ready.popleft())

    def _next_ready(self) -> Room | None:
        with self._changed:
            self._changed.notify_all()
            return self._ready.popleft() if self._ready else None

    def _fill(self) -> None:
        while self._wait_for_room():
            try:
                room = self._make(self._name())
            except (RunnerError, Refused) as error:
                logger.warning("could not prepare a network: %s", error)
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, RETRY_SECONDS)
                continue
            with self._changed:
                self._ready.append(room)

    def _wait_for_room(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._ready) < self._wanted)
            return not self._closed

    def _name(self) -> str:
        name = f"{self._prefix}-{secrets.token_hex(4)}"
        with self._changed:
            self._known.add(name)
        return name

    def _make(self, name: str) -> Room:
        network = self._make_network(name)
        try:
            holder = self._engine.create(name, _holder(self._image, network, self._labels))
            self._engine.start(holder)
            facts = self._engine.inspect(holder) or {}
            (endpoint,) = facts["NetworkSettings"]["Networks"].values()
        except (RunnerError, Refused, KeyError, ValueError) as error:
            self.give_back(Room(name=name, network=network, holder=name))
            raise EngineError(f"the container that holds the network {name} could not be made: {error}") from error
        return Room(name=name, network=network, holder=holder, address=str(endpoint["IPAddress"]))

    def _make_network(self, name: str) -> str:
        return make_network(self._engine, name, self._labels)


def make_network(engine: Engine, name: str, its_labels: Mapping[str, str]) -> str:
    """A network from the engine's pools, or when they are used up from our own range. EngineError where neither helps."""
    try:
        return engine.create_network(name, its_labels)
    except Refused as refusal:
        if "address pool" not in str(refusal):
            raise EngineError(f"Docker could not create a network: {refusal}") from refusal
    for _ in range(_TRIES):
        try:
            return engine.create_network(name, its_labels, _own_net(secrets.randbelow(_OWN_NETS)))
        except Refused as refusal:
            if "overlap" not in str(refusal).lower():
                raise EngineError(f"Docker could not create a network: {refusal}") from refusal
    raise EngineError(
        "Docker has no free addresses for another network: remove networks that nobody uses (docker network prune),"
        " or set default-address-pools with small subnets in /etc/docker/daemon.json"
    )


def _own_net(number: int) -> str:
    """One of the /27 nets of 198.18.0.0/15."""
    first = (198 << 24) + (18 << 16) + number * 32
    return ".".join(str(first >> shift & 255) for shift in (24, 16, 8, 0)) + "/27"


def _holder(image: str, network: str, its_labels: Mapping[str, str]) -> dict[str, object]:
    return {
        "Image": image,
        "Hostname": HOSTNAME,
        "Labels": dict(its_labels),
        "HostConfig": hardening.holder_config(network),
    }

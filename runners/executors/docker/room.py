"""What a room is: a place on a network that containers can be told to join."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Room:
    """A place on a network, and where there is one the container whose namespace there can be joined."""

    name: str
    network: str  # its id
    is_alone: bool = False  # the network is for all that stand alone: nothing on it can be reached, nor has names
    holder: str = ""  # the container's id
    address: str = ""  # of the holder, on the network
    resolver: str = ""  # what resolv.conf says there; "" = unknown
    born: float = field(default_factory=time.monotonic)

    @property
    def mode(self) -> str:
        """What the engine is told of a container that is to be in it: to join the namespace, or the network."""
        return f"container:{self.holder}" if self.holder else self.network

"""How traffic moves between the containers of releases: what every way can, and the way without a proxy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from runners.targets.contract import TargetError, Tell
from runners.targets.docker.groups import Group
from runners.targets.docker.remote import Remote
from runners.targets.docker.shares import WHOLE, containers


class Traffic(Protocol):
    """Whatever is asked for twice is done once. TargetError where it cannot be."""

    def check(self, percent: float, new: int, old: int) -> None:
        """TargetError where so many containers beside so many old ones cannot get that share."""

    def shares(self, groups: Sequence[Group]) -> list[float]:
        """What each of the groups weighs now; 0 = it gets no new requests."""

    def give(self, new: Group, old: Group | None, percent: float) -> None:
        """Give the new group its share, and the old one the rest. At 100 the old one still takes what it gets."""

    def take(self, group: Group) -> None:
        """Take all traffic from a group, and return when it has nothing to do any more, or its time is up."""

    def forget(self, groups: Sequence[Group]) -> None:
        """Clear away what is left of containers of ours that run no more; `groups` are all that there are."""


class ByName:
    """Docker's DNS: every container that has the app's name in its network is asked in turn."""

    def __init__(self, engine: Remote, network: str, name: str, tell: Tell) -> None:
        self._engine, self._network, self._name, self._tell = engine, network, name, tell

    def check(self, percent: float, new: int, old: int) -> None:
        """The share is that of the containers."""
        if containers(percent, new, old) == 0:
            raise TargetError(
                f"{percent:g} % cannot be had without a proxy: one container beside {old} old ones is"
                f" {WHOLE / (old + 1):.3g} %. Name a `proxy`, more `replicas`, or a larger first share in `canary`."
            )

    def shares(self, groups: Sequence[Group]) -> list[float]:
        """How many containers have the name."""
        return [sum(self._name in member.aliases for member in group.running) for group in groups]

    def give(self, new: Group, old: Group | None, percent: float) -> None:
        """Name as many of the new containers as make the share."""
        count = containers(percent, len(new.members), len(old.running) if old else 0)
        for member in new.members[:count]:
            if self._name not in member.aliases:
                self._engine.join(self._network, member.id, [self._name])
        beside = f" beside {len(old.running)} of release {old.release}" if old and percent < WHOLE else ""
        self._tell(
            f"{count} containers of release {new.release} are {self._name} in the network {self._network}{beside}"
        )

    def take(self, group: Group) -> None:
        """They lose the name when they end: whoever looked it up before is still served until then."""

    def forget(self, groups: Sequence[Group]) -> None:
        """Docker forgets the name of a container that ended."""

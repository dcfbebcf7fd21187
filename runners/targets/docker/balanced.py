"""Traffic through an HAProxy: the containers are servers of a backend, their weights make the shares."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from runners.targets.contract import TargetError, Tell
from runners.targets.docker.groups import Group, Member
from runners.targets.docker.haproxy import Backend, Server
from runners.targets.docker.settings import HAProxy
from runners.targets.docker.shares import WHOLE, Weights, weights
from runners.targets.durations import seconds

PROVE_SECONDS = 30.0
DELETE_SECONDS = 15.0
HALF = 50
_LOOK_SECONDS = 0.2


class Balanced:
    """One backend; `Traffic` says what it can."""

    def __init__(self, backend: Backend, settings: HAProxy, tell: Tell) -> None:
        self._backend, self._settings, self._tell = backend, settings, tell

    def check(self, percent: float, new: int, old: int) -> None:
        """Weights go to 256."""
        if weights(percent, new, old) is not None:
            return
        if percent > HALF:
            raise TargetError(
                f"{percent:g} % is more than HAProxy's weights can tell of {new} containers beside {old} old ones: leave"
                " that stage away, or have more `replicas`."
            )
        raise TargetError(
            f"{percent:g} % is less than HAProxy's weights can tell beside {old} old containers: the least is"
            f" {100 / (256 * old + 1):.2g} %."
        )

    def shares(self, groups: Sequence[Group]) -> list[float]:
        """The weights of each group's servers."""
        by_address = {server.address: server for server in self._backend.servers()}
        return [float(sum(_weight(by_address.get(self._address(one))) for one in group.running)) for group in groups]

    def give(self, new: Group, old: Group | None, percent: float) -> None:
        """Have HAProxy know and prove the new servers before they get anything; then set the weights."""
        theirs = old.running if old else ()
        wanted = weights(percent, len(new.members), len(theirs))
        if wanted is None:
            raise TargetError(f"{percent:g} % cannot be told in HAProxy's weights.")
        self._know(new.members)
        self._prove(new.members)
        self._weigh(new.members[: wanted.new], wanted.new_weight)
        if percent < WHOLE and theirs:
            self._know(theirs)
            self._weigh(new.members[wanted.new :], 0)
            self._weigh(theirs, wanted.old_weight)
        self._say(new, old, wanted, percent)

    def take(self, group: Group) -> None:
        """Drained, then in maintenance, then out. What still runs there after `drain` is cut off."""
        addresses = {self._address(member) for member in group.members}
        names = {member.name for member in group.members}
        mine = [one for one in self._backend.servers() if one.address in addresses or one.name in names]
        for server in mine:
            if not server.in_maintenance:
                self._backend.put(server.name, "drain")
        left = self._until(mine, lambda server: server.sessions == 0, seconds(self._settings.drain))
        for server in left:
            self._tell(
                f"{server.name} still has {server.sessions} requests after {self._settings.drain}: they are cut off"
            )
            self._backend.cut(server.name)
        for server in mine:
            self._backend.put(server.name, "maint")
        self._drop([server for server in mine if not self._is_slot(server)])

    def forget(self, groups: Sequence[Group]) -> None:
        """Take servers of ours out whose container does not run any more; `groups` are all that there are."""
        alive = {self._address(member) for group in groups for member in group.running}
        prefix = {member.name.rpartition("-r")[0] + "-r" for group in groups for member in group.members}
        gone = [
            server
            for server in self._backend.servers()
            if server.address not in alive
            and (
                server.name.startswith(tuple(prefix))
                if not self._settings.slots
                else self._is_slot(server) and not server.in_maintenance
            )
        ]
        for server in gone:
            self._backend.put(server.name, "maint")
        self._drop([server for server in gone if not self._is_slot(server)])

    def _know(self, members: Sequence[Member]) -> None:
        """A server for each of them, which gets requests only if it got some before."""
        servers = self._backend.servers()
        known = {server.address: server for server in servers}
        free = [server for server in servers if self._is_slot(server) and server.in_maintenance]
        for member in members:
            server = known.get(self._address(member))
            if server is None or server.in_maintenance:
                name = server.name if server else self._place(member, servers, free)
                self._backend.weigh(name, 0)
                self._backend.put(name, "ready")
            elif server.drains:
                self._backend.weigh(server.name, 0)
                self._backend.put(server.name, "ready")

    def _place(self, member: Member, servers: Sequence[Server], free: list[Server]) -> str:
        address = self._address(member)
        if self._settings.slots:
            if not free:
                raise TargetError(
                    f"HAProxy's backend {self._backend.name} has no free server called {self._settings.slots}…: its"
                    " `server-template` needs twice as many as `replicas`, or more."
                )
            slot = free.pop(0)
            self._backend.aim(slot.name, address)
            return slot.name
        if any(server.name == member.name for server in servers):  # of a container that had another address
            self._backend.put(member.name, "maint")
            self._drop([server for server in servers if server.name == member.name])
        self._backend.add(member.name, address, check=self._settings.check)
        return member.name

    def _prove(self, members: Sequence[Member]) -> None:
        """Until HAProxy itself has reached each of them."""
        addresses = {self._address(member) for member in members}
        servers = [server for server in self._backend.servers() if server.address in addresses]
        left = self._until(servers, lambda server: server.is_proved or server.is_down, PROVE_SECONDS)
        now = [server for server in self._backend.servers() if server.address in addresses]
        for server in [*left, *(server for server in now if server.is_down)]:
            raise TargetError(
                f"HAProxy does not reach {server.name} at {server.address} ({server.check or server.status}): is it in"
                " that network, or does it need `publish`?"
            )

    def _weigh(self, members: Sequence[Member], weight: int) -> None:
        known = {server.address: server for server in self._backend.servers()}
        for member in members:
            server = known[self._address(member)]
            if server.weight != weight:
                self._backend.weigh(server.name, weight)

    def _until(self, servers: Sequence[Server], fine: Callable[[Server], bool], limit: float) -> list[Server]:
        """Wait for all of them; those that are not so after `limit` seconds."""
        names, end = {server.name for server in servers}, time.monotonic() + limit
        while True:
            left = [server for server in self._backend.servers() if server.name in names and not fine(server)]
            if not left or time.monotonic() > end:
                return left
            time.sleep(_LOOK_SECONDS)

    def _drop(self, servers: Sequence[Server]) -> None:
        """Servers that we added, out of the backend; idle connections may hold them for some seconds."""
        left, end = [server.name for server in servers], time.monotonic() + DELETE_SECONDS
        while left := [name for name in left if not self._backend.delete(name)]:
            if time.monotonic() > end:
                self._tell(f"HAProxy keeps {', '.join(left)}, in maintenance: connections still hold them")
                return
            time.sleep(_LOOK_SECONDS)

    def _is_slot(self, server: Server) -> bool:
        slots = self._settings.slots
        return bool(slots) and re.fullmatch(rf"{re.escape(slots)}\d+", server.name) is not None

    def _address(self, member: Member) -> str:
        """Where HAProxy reaches it; "" = nowhere, while it does not run."""
        publish = self._settings.publish
        host, port = (publish.address, member.published) if publish else (member.address, member.port)
        if not host or not port:
            return ""
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _say(self, new: Group, old: Group | None, wanted: Weights, percent: float) -> None:
        share = f"{wanted.percent:.3g} %" if percent < WHOLE and old else "everything"
        self._tell(f"HAProxy sends {share} of {self._backend.name} to release {new.release}")
        others = [one.name for one in self._backend.servers() if one.gets_traffic and not self._is_known(one, new, old)]
        if others:
            self._tell(f"Note: {', '.join(others)} of that backend are not of these releases, and get requests as well")

    def _is_known(self, server: Server, *groups: Group | None) -> bool:
        return any(server.address == self._address(member) for group in groups if group for member in group.members)


def _weight(server: Server | None) -> int:
    return server.weight if server is not None and server.gets_traffic else 0

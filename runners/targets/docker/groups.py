"""The containers of each release on the host: found by their labels, made, started, stopped, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from runners.executors.docker.engine import Refused
from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.docker import form, images
from runners.targets.docker.remote import Remote
from runners.targets.docker.settings import Settings
from runners.targets.durations import seconds

_AT_ONCE = 8


@dataclass(frozen=True)
class Member:
    """One container, as it was when it was looked at."""

    id: str
    name: str
    number: int
    running: bool
    started: bool  # ever
    networks: frozenset[str]
    aliases: frozenset[str]  # in the front network
    address: str  # in the front network; "" = not there, or not running
    port: int  # where it listens
    published: int  # the host's port that leads to it; 0 = none
    finished_at: str  # when it ended last; sorts by time


@dataclass(frozen=True)
class Group:
    """The containers of one release that are alike."""

    release: str
    mark: str
    image: str
    members: tuple[Member, ...]

    @property
    def running(self) -> tuple[Member, ...]:
        """Those that run."""
        return tuple(member for member in self.members if member.running)

    @property
    def ended_at(self) -> str:
        """When the last of them ended."""
        return max((member.finished_at for member in self.members), default="")


class Groups:
    """Those of one app in one environment."""

    def __init__(self, engine: Remote, settings: Settings, delivery: Delivery, tell: Tell) -> None:
        self._engine, self._settings, self._delivery, self._tell = engine, settings, delivery, tell
        self._owner = form.owner(settings, delivery)
        self._form = form.form(settings, delivery)
        self.mark = form.mark(settings, self._form)

    def all(self) -> list[Group]:
        """Every group on the host, of the newest release first."""
        found: dict[tuple[str, str, str], list[Member]] = {}
        for listed in self._engine.containers(f"{form.OWNER}={self._owner}"):
            if (facts := self._engine.inspect(listed["Id"])) is not None:
                labels = facts["Config"]["Labels"]
                key = (labels[form.RELEASE], labels[form.FORM], labels[form.IMAGE])
                found.setdefault(key, []).append(_member(facts, self._settings))
        groups = [
            Group(*key, tuple(sorted(members, key=lambda member: member.number))) for key, members in found.items()
        ]
        return sorted(groups, key=lambda group: _order(group.release), reverse=True)

    def wanted(self, groups: Iterable[Group]) -> Group | None:
        """The group to bring, where the host has it. A rollback takes the release as it was, whatever changed since."""
        of_release = [group for group in groups if group.release == self._delivery.release]
        alike = [group for group in of_release if group.mark == self.mark]
        as_it_was = sorted(of_release, key=lambda group: group.ended_at) if self._delivery.is_rollback else []
        return next(iter(alike or reversed(as_it_was)), None)

    def complete(self, group: Group | None) -> Group:
        """The group with all of its containers running; those that lack are made."""
        if group is None:
            image = images.pinned(self._engine, self._settings.image, self._settings.registry, self._tell)
            group = Group(self._delivery.release, self.mark, image, ())
        begun = {member.number: member for member in group.members if member.started}
        if group.mark == self.mark and len(begun) < self._settings.replicas:
            images.fetch(self._engine, group.image, self._settings.registry, self._tell)
            self._make_networks()
            for half in (member for member in group.members if not member.started):
                self._engine.remove(half.id)
            for number in range(1, self._settings.replicas + 1):
                if number not in begun:
                    self._make(group, number)
        for member in group.members:
            if member.started and not member.running:
                self._tell(f"Starting {member.name}")
                self._engine.start(member.id)
        return self.again(group)

    def again(self, group: Group) -> Group:
        """The group as it is now."""
        now = (found for found in self.all() if (found.release, found.mark) == (group.release, group.mark))
        return next(now, Group(group.release, group.mark, group.image, ()))

    def stop(self, group: Group) -> None:
        """End its containers, all at once."""
        self._tell(f"Stopping the containers of release {group.release}")
        limit = seconds(self._settings.stop)
        _each(group.running, lambda member: self._engine.stop(member.id, limit))

    def remove(self, group: Group) -> None:
        """Remove its containers."""
        _each(group.members, lambda member: self._engine.remove(member.id))

    def _make_networks(self) -> None:
        for name in (*self._settings.networks, self._settings.front):
            if self._engine.network(name) is None:
                self._tell(f"Creating the network {name}")
                self._engine.create_network(name, {form.OWNER: self._owner})

    def _make(self, group: Group, number: int) -> None:
        name = form.container_name(self._settings, self._delivery, group.mark, number)
        body = self._body(group, number)
        self._tell(f"Starting {name}")
        container = self._engine.create(name, body)
        facts = self._engine.inspect(container) or {}
        if facts.get("Config", {}).get("Labels", {}).get(form.OWNER) != self._owner:
            raise TargetError(f"There is a container {name} on the host that is not ours: remove it, or change `name`.")
        _, *others = self._start_networks()
        for network in others:
            self._engine.join(network, container)
        try:
            self._engine.start(container)
        except Refused as refusal:
            self._engine.remove(container)
            raise TargetError(f"{name} cannot be started: {refusal}") from refusal

    def _start_networks(self) -> Sequence[str]:
        """Those that a container is in from its start; at least one."""
        needed = self._settings.networks
        return (*needed, self._settings.front) if self._settings.proxy else needed or ("bridge",)

    def _body(self, group: Group, number: int) -> dict[str, Any]:
        labels = {
            **self._settings.labels,
            form.OWNER: self._owner,
            form.RELEASE: group.release,
            form.FORM: group.mark,
            form.IMAGE: group.image,
            form.NUMBER: str(number),
            form.PORT: str(self._settings.port),
        }
        host = {**self._form["HostConfig"], "NetworkMode": self._start_networks()[0]}
        proxy = self._settings.proxy
        if proxy is not None and (publish := proxy.haproxy.publish) is not None:
            bound = {"HostIp": publish.address, "HostPort": str(self._free_port(publish.ports))}
            host["PortBindings"] = {f"{self._settings.port}/tcp": [bound]}
        return {**self._form, "Image": group.image, "Labels": labels, "HostConfig": host}

    def _free_port(self, ports: str) -> int:
        first, _, last = ports.partition("-")
        taken = {port for listed in self._engine.containers(form.OWNER) for port in _bound(self._engine, listed["Id"])}
        taken |= {
            int(port.get("PublicPort", 0))
            for listed in self._engine.listed("/containers/json", {})
            for port in listed.get("Ports") or ()
        }
        free = next((port for port in range(int(first), int(last) + 1) if port not in taken), None)
        if free is None:
            raise TargetError(f"publish.ports: every port of {ports} is taken on the host.")
        return free


def _bound(engine: Remote, container: str) -> list[int]:
    """The host's ports that a container has, or will have when it starts."""
    host = (engine.inspect(container) or {}).get("HostConfig", {})
    bindings = [one for some in (host.get("PortBindings") or {}).values() for one in some or ()]
    return [int(one["HostPort"]) for one in bindings if one.get("HostPort")]


def _member(facts: dict[str, Any], settings: Settings) -> Member:
    state, networks = facts["State"], facts["NetworkSettings"]["Networks"] or {}
    front = networks.get(settings.front) or {}
    port = int(facts["Config"]["Labels"][form.PORT])
    ports = (facts["NetworkSettings"].get("Ports") or {}).get(f"{port}/tcp") or []
    return Member(
        id=str(facts["Id"]),
        name=str(facts["Name"]).lstrip("/"),
        number=int(facts["Config"]["Labels"][form.NUMBER]),
        running=bool(state["Running"]),
        started=state["Status"] != "created",
        networks=frozenset(networks),
        aliases=frozenset(front.get("Aliases") or ()),
        address=str(front.get("IPAddress") or ""),
        port=port,
        published=int(ports[0]["HostPort"]) if ports else 0,
        finished_at=str(state.get("FinishedAt") or ""),
    )


def _order(release: str) -> tuple[int, str]:
    return (int(release), "") if release.isdigit() else (0, release)


def _each(members: Sequence[Member], act: Callable[[Member], None]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for _ in threads.map(act, members):
            pass

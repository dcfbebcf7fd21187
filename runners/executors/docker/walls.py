"""One network for all containers that have nothing beside them, whose containers cannot reach each other.

The engine is asked for that, and whether it does it is tried before anything of a project stands there: an engine
without firewall rules, or a rule of the operator before them, would make one room of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runners.errors import EngineError
from runners.executors.docker import hardening
from runners.executors.docker.engine import Engine
from runners.executors.docker.networks import make_network
from runners.executors.docker.programs import archive, caller

CALL_SECONDS = 2  # a call that is answered takes a millisecond
PORT = 9  # nobody listens: who is reached refuses, and that is an answer, too


@dataclass(frozen=True)
class Walls:
    """A network that is proved to keep its containers apart."""

    network: str  # its id
    resolver: str  # what resolv.conf says on it


def raise_walls(engine: Engine, name: str, image: str, its_labels: Mapping[str, str]) -> Walls | None:
    """Make the network and prove it with two containers; None where its containers reach each other.

    EngineError, Refused where the engine fails.
    """
    names = [f"{name}-called", f"{name}-caller"]
    _remove(engine, names, name)  # what is left of a try that an engine broke off
    network = make_network(engine, name, its_labels, is_walled=True)
    walls = None
    try:
        if not _answers(engine, network, image, its_labels, names):
            walls = Walls(network, engine.read(names[0], "/etc/resolv.conf").decode())
    finally:
        _remove(engine, names, "" if walls else network)
    return walls


def address_of(engine: Engine, container: str) -> str:
    """The address of a running container that is on one network; EngineError where it has none."""
    try:
        (endpoint,) = ((engine.inspect(container) or {})["NetworkSettings"]["Networks"]).values()
        return str(endpoint["IPAddress"])
    except (KeyError, ValueError) as error:
        raise EngineError(f"the container {container} has no address") from error


def _remove(engine: Engine, containers: list[str], network: str) -> None:
    for container in containers:
        engine.remove(container)
    if network:
        engine.remove_network(network)


def _answers(engine: Engine, network: str, image: str, its_labels: Mapping[str, str], names: list[str]) -> bool:
    """Whether one container on the network gets any answer from another; yes where that cannot be tried."""
    called = engine.create(names[0], holder(image, network, its_labels))
    engine.start(called)
    program = caller(str(engine.facts().get("Arch")), address_of(engine, called), PORT)
    if program is None:
        return True
    config = holder(image, network, its_labels)
    config |= {"Entrypoint": ["/caller"], "HostConfig": {**hardening.holder_config(network), "ReadonlyRootfs": False}}
    calling = engine.create(names[1], config)
    engine.put(calling, "/", archive("caller", program))
    engine.start(calling)
    # Waiting for an answer is what shows that none comes; whoever was called must have been there all the time.
    return not (engine.ended(calling, CALL_SECONDS).running and engine.state(called).running)


def holder(image: str, network: str, its_labels: Mapping[str, str]) -> dict[str, object]:
    """A container that only sleeps, in a namespace of its own on the network."""
    return {
        "Image": image,
        "Hostname": hardening.HOSTNAME,
        "Labels": dict(its_labels),
        "HostConfig": hardening.holder_config(network),
    }

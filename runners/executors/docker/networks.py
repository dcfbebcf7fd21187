"""Makes networks: from the engine's own addresses, and when those are used up from a range that is routed nowhere."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from runners.errors import EngineError
from runners.executors.docker.engine import Engine, Refused

# The engine's own pools hold about 31 networks. When they are used up, we take nets of 198.18.0.0/15, a range that is
# reserved for benchmarks.
_RANGE_FIRST, _RANGE_BITS = (198 << 24) + (18 << 16), 17
_TRIES = 16
ROOM_BITS = 5  # of the addresses in a net of our own: 29 containers
WALLED_BITS = 10

WALLED = {"com.docker.network.bridge.enable_icc": "false"}


def make_network(engine: Engine, name: str, its_labels: Mapping[str, str], *, is_walled: bool = False) -> str:
    """Make a network and return its id; `is_walled`: the engine is to keep its containers from each other.

    EngineError where neither its addresses nor ours suffice.
    """
    options = WALLED if is_walled else {}
    try:
        return engine.create_network(name, its_labels, options=options)
    except Refused as refusal:
        if "address pool" not in str(refusal):
            raise EngineError(f"Docker could not create a network: {refusal}") from refusal
    for _ in range(_TRIES):
        try:
            subnet = _own_net(WALLED_BITS if is_walled else ROOM_BITS)
            return engine.create_network(name, its_labels, subnet, options)
        except Refused as refusal:
            if "overlap" not in str(refusal).lower():
                raise EngineError(f"Docker could not create a network: {refusal}") from refusal
    raise EngineError(
        "Docker has no free addresses for another network: remove networks that nobody uses (docker network prune),"
        " or set default-address-pools with small subnets in /etc/docker/daemon.json"
    )


def _own_net(bits: int) -> str:
    """Any of the nets of 2**bits addresses in our range."""
    first = _RANGE_FIRST + (secrets.randbelow(1 << (_RANGE_BITS - bits)) << bits)
    return ".".join(str(first >> shift & 255) for shift in (24, 16, 8, 0)) + f"/{32 - bits}"

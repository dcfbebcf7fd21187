"""The variables that Docker's old links set (`REDIS_PORT`, `REDIS_NAME`, ...), which CodeShip promised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runners.contract import Link

_OWN = frozenset({"PATH", "HOME"})


def link_environment(
    primary: str, link: Link, facts: Mapping[str, Any], network: str, image: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """What one link tells a container: where the service is, its ports, and the variables that its image sets.

    `facts`: what the engine says of the service's container, `image`: of its image.
    """
    name = link.alias or link.service
    prefix = re.sub(r"[^A-Z0-9_]", "_", name.upper())
    address = _address(facts, network)
    found = {f"{prefix}_NAME": f"/{primary}/{name}"}
    for line in ((image or {}).get("Config") or {}).get("Env") or []:
        variable, _, value = str(line).partition("=")
        if variable not in _OWN:
            found[f"{prefix}_ENV_{variable}"] = value
    ports = sorted(_port(text) for text in facts["Config"].get("ExposedPorts") or {})
    for number, kind in ports:
        start = f"{prefix}_PORT_{number}_{kind.upper()}"
        found |= {
            start: f"{kind}://{address}:{number}",
            f"{start}_ADDR": address,
            f"{start}_PORT": str(number),
            f"{start}_PROTO": kind,
        }
    if ports:
        number, kind = ports[0]
        found[f"{prefix}_PORT"] = f"{kind}://{address}:{number}"
    return found


def _address(facts: Mapping[str, Any], network: str) -> str:
    endpoints = facts["NetworkSettings"]["Networks"].values()
    return next((str(e["IPAddress"]) for e in endpoints if e["NetworkID"] == network), "")


def _port(text: str) -> tuple[int, str]:
    number, _, kind = text.partition("/")
    return int(number), kind or "tcp"

"""The files of /etc that name hosts, for a container that joins a room: each gets its own.

The engine would give it those of the room's holder, to write to, and whoever has the room next would find them so.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from runners.executors.docker.hardening import HOSTNAME, Bind
from runners.executors.docker.room import Room

HOSTS = "/etc/hosts"


def name_files(
    folder: Path, container: str, room: Room, names: Iterable[str] = (), extra: Iterable[str] = ()
) -> tuple[Bind, ...]:
    """Written to `folder`: `names` are the container's own, `extra` are `host:address` as the engine takes them."""
    lines = [
        "127.0.0.1 localhost",
        "::1 localhost ip6-localhost ip6-loopback",
        "fe00::0 ip6-localnet",
        "ff00::0 ip6-mcastprefix",
        "ff02::1 ip6-allnodes",
        "ff02::2 ip6-allrouters",
        " ".join([room.address, HOSTNAME, *names]),
    ]
    for one in extra:
        host, _, address = one.partition(":")
        lines.append(f"{address} {host}")
    texts = {HOSTS: "\n".join(lines) + "\n", "/etc/hostname": f"{HOSTNAME}\n"}
    if room.resolver:
        texts["/etc/resolv.conf"] = room.resolver
    return tuple(
        _written(folder / f"{container}{target.replace('/', '.')}", text, target) for target, text in texts.items()
    )


def _written(path: Path, text: str, target: str) -> Bind:
    path.write_text(text)
    return Bind(source=str(path), target=target)

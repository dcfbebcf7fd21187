"""The one place that says what a container of a build may do: nothing that a build does not need.

What it does not cover: a container reaches whatever its network reaches, the host's own address included (rules of
the host's firewall close that: docs/operations.md, "Closing the network to builds"), and `RUN` lines of a Dockerfile
run with the engine's default capabilities, which the build interface cannot narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runners.executors.config import ExecutorSettings

# What package managers and images that drop root in their entry point need, and no more.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETUID")
SHARED_MEMORY_BYTES = 1024**3  # browsers and databases want more than 64 MiB; it counts as the container's memory
MEBIBYTE = 1024 * 1024
HOSTNAME = "ci"  # of namespaces that were made before anybody knew for whom


@dataclass(frozen=True)
class Bind:
    """A folder or file of the host in a container. Made by `mounts.py` alone, which proves where it lies."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Volume:
    """A volume of the engine in a container; one without a name lives as long as the container."""

    name: str
    target: str
    read_only: bool = False


def host_config(
    settings: ExecutorSettings, network_mode: str, mounts: tuple[Bind | Volume, ...] = ()
) -> dict[str, Any]:
    """The HostConfig of every container that runs what a project asks for."""
    memory = settings.memory_mb * MEBIBYTE
    return {
        "NetworkMode": network_mode,
        "CapDrop": ["ALL"],
        "CapAdd": list(CAPABILITIES),
        "SecurityOpt": ["no-new-privileges:true"],
        "Privileged": False,
        "Init": True,  # hands signals on to a shell that would ignore them, and reaps its orphans
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "PidsLimit": settings.pids or -1,
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": int(settings.cpus * 1e9),
        "ShmSize": SHARED_MEMORY_BYTES,
        # Not the number of open files: an engine that may have fewer itself refuses to start the container.
        "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
        "Runtime": settings.runtime,
        "LogConfig": {"Type": "none"},
        "Mounts": [_mount(mount) for mount in mounts],
    }


def holder_config(network: str) -> dict[str, Any]:
    """The HostConfig of a container that only keeps a network namespace open."""
    return {
        "NetworkMode": network,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "ReadonlyRootfs": True,
        # Not less: the engine's own starter runs within these limits for a moment, in many threads.
        "PidsLimit": 64,
        "Memory": 64 * MEBIBYTE,
        "MemorySwap": 64 * MEBIBYTE,
        "LogConfig": {"Type": "none"},
        # A port that somebody served is free at once for who has the namespace next.
        "Sysctls": {"net.ipv4.tcp_max_tw_buckets": "0"},
    }


def _mount(mount: Bind | Volume) -> dict[str, Any]:
    said = {"Target": mount.target, "ReadOnly": mount.read_only}
    if isinstance(mount, Volume):
        return {"Type": "volume", **({"Source": mount.name} if mount.name else {}), **said}
    return {"Type": "bind", "Source": mount.source, **said, "BindOptions": {"Propagation": "rprivate"}}

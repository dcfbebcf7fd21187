"""How git gets to a repository: the pinned address, the key and the limits, as configuration and environment."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from runners.checkout.address import Address
from runners.checkout.command import FSCK_SETTINGS, GitCommand
from runners.checkout.policy import GitLimits
from runners.contract import GitSource
from runners.walls import walls, walls_stand


@contextlib.contextmanager
def transport(
    address: Address, source: GitSource, mirror: Path, limits: GitLimits, attempt: int = 1
) -> Iterator[GitCommand]:
    """A command that has everything but its verb: arguments = the address. The key's file lives as long as the block."""
    settings = {
        **FSCK_SETTINGS,
        "fetch.unpackLimit": "1",
        "core.logAllRefUpdates": "always",  # a commit that a forced push left behind stays in the mirror
        "http.lowSpeedLimit": str(limits.slow_bytes),
        "http.lowSpeedTime": str(limits.slow_seconds),
    }
    if address.scheme in {"http", "https"} and address.pinned:
        settings["http.curloptResolve"] = f"{address.host}:{address.port}:{','.join(address.pinned)}"
    environment = {"GIT_ALLOW_PROTOCOL": address.scheme}
    key, known_hosts = None, mirror.with_name("known_hosts")
    with contextlib.ExitStack() as stack:
        if address.scheme == "ssh":
            key = stack.enter_context(_key_file(source.private_key)) if source.private_key else None
            environment["GIT_SSH_COMMAND"] = _ssh(address, key, known_hosts, limits, attempt)
            environment["GIT_SSH_VARIANT"] = "ssh"
        yield GitCommand(
            arguments=[address.url],
            folder=mirror.parent,
            settings=settings,
            environment=environment,
            walls=_around(address, mirror, known_hosts, key),
        )


def _around(address: Address, mirror: Path, known_hosts: Path, key: Path | None) -> list[str]:
    """Walls in which git can write the one mirror and no more: what it unpacks comes from strangers."""
    if address.scheme == "file" or not _walls_stand():
        return []
    known_hosts.touch(mode=0o600)
    data = mirror.parent.parent
    return [
        *("bwrap", *walls(), "--tmpfs", "/tmp"),  # noqa: S108 -- an empty one
        *(() if data == Path(data.anchor) else ("--tmpfs", str(data))),  # the service's data, and other mirrors
        *("--bind", str(mirror), str(mirror), "--bind", str(known_hosts), str(known_hosts)),
        *(("--ro-bind", str(key.parent), str(key.parent)) if key else ()),
        *("--chdir", str(mirror), "--"),
    ]


@functools.cache
def _walls_stand() -> bool:
    return walls_stand()


@contextlib.contextmanager
def _key_file(text: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ci-key-") as folder:
        path = Path(folder) / "key"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text.strip().replace("\r\n", "\n") + "\n")  # OpenSSH insists on the last line's end
        yield path


def _ssh(address: Address, key: Path | None, known_hosts: Path, limits: GitLimits, attempt: int) -> str:
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": str(limits.connect_seconds),
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "2",
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": f'"{known_hosts}"',
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": address.host if address.port == 22 else f"[{address.host}]:{address.port}",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "IdentityFile": f'"{key}"' if key else "none",
        "ForwardAgent": "no",
        "ClearAllForwardings": "yes",
        "PermitLocalCommand": "no",
        "ProxyCommand": "none",
        "LogLevel": "ERROR",
    }
    if address.pinned:
        options["HostName"] = address.pinned[(attempt - 1) % len(address.pinned)]
    words = ["ssh", "-F", "/dev/null"]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return shlex.join(words)

"""The process in which Apprise sends one message: a request on standard input, an answer on standard output.

python -m notifications.channels.apprise_child

Apprise opens its connections itself, and follows redirects. Here whatever connects is looked at by the address that it
connects to: no name that resolves anew and no redirect leads inside. Nor may it read files, write any or run programs.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import socket
import sys
import warnings
from pathlib import Path

import apprise

from notifications.channels.apprise_services import SCHEMAS
from runners.addresses import is_public

MOST_MEMORY = 1024 * 1024 * 1024
MOST_CPU_SECONDS = 20
_CONNECTS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_NEVER = (
    "subprocess.",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "os.fork",
    "socket.bind",
    "ctypes.dlopen",
)
_READABLE = (
    *(sys.prefix, sys.base_prefix, "/usr/lib", "/usr/share", "/lib", "/etc/ssl", "/dev/urandom", "/dev/null"),
    *("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/mime.types"),
)


class RefusedError(OSError):
    """It would leave the public internet, or touch this machine."""


class Fence:
    """What this process may do from now on; `refused` says whether it tried more."""

    def __init__(self, allowed: list[str]) -> None:
        self.refused = False
        self._allowed = frozenset(place for name in allowed for place in _places(name))

    def guard(self) -> None:
        """Have all of the process obey, for good."""
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _CONNECTS and not self._may_connect(arguments[1]):
            self._refuse()
        if event.startswith(_NEVER) or (event == "open" and not _may_open(*arguments)):
            self._refuse()

    def _may_connect(self, address: object) -> bool:
        if not isinstance(address, tuple):
            return False  # a Unix socket, or stranger things
        host, port = str(address[0]), address[1]
        return is_public(host) or (host, port) in self._allowed or (host, None) in self._allowed

    def _refuse(self) -> None:
        self.refused = True
        raise RefusedError("refused")


def _may_open(path: object, mode: object, flags: object) -> bool:
    if isinstance(path, int):
        return True
    if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        return False
    real = os.path.realpath(os.fsdecode(path)) if isinstance(path, str | bytes) else ""
    return any(real == root or real.startswith(f"{root}/") for root in _READABLE)


def _places(exception: str) -> set[tuple[str, int | None]]:
    """Address and port of each place that a name of OUTBOUND_ALLOWED_HOSTS stands for; no port = every one."""
    host, colon, port = exception.strip().rpartition(":")
    if not colon or not port.isdigit() or (":" in host and not host.endswith("]")):
        host, port = exception.strip(), ""
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {(str(each[4][0]), int(port) if port else None) for each in found}


def main() -> None:
    """Say {"sent": bool, "refused": bool, "understood": bool}."""
    request = json.load(sys.stdin)
    _limit()
    sender = apprise.Apprise(
        asset=apprise.AppriseAsset(
            app_id="ciservice", storage_mode="memory", plugin_paths=[], async_mode=False, secure_logging=True
        )
    )
    fence = Fence(request["allowed"])
    understood = request["url"].partition("://")[0].lower() in SCHEMAS and sender.add(request["url"])
    fence.guard()
    sent = bool(understood) and bool(
        sender.notify(
            title=request["title"], body=request["body"], notify_type=request["type"], body_format="text", tag=None
        )
    )
    sys.stdout.write(json.dumps({"sent": sent, "refused": fence.refused, "understood": bool(understood)}))
    sys.stdout.flush()
    os._exit(0)


def _limit() -> None:
    """Logs may hold the address, which is a secret."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    os.chdir(Path("/"))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main()

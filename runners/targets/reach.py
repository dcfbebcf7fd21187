"""Which addresses a target may connect to: not this machine nor its link, unless the operator names them.

Private networks may be reached: they are where people deploy to, and the containers of steps reach them as well.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address

from runners.targets.contract import TargetError

SETTING = "TARGET_ALLOWED_HOSTS"
CONNECT_SECONDS = 15.0
# What clouds tell a machine of itself, its credentials among it, beyond the link-local addresses.
_OWN: set[str] = set()  # Unix sockets that this process made itself: ends of tunnels
_METADATA = frozenset({"100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"})


class OutOfReachError(TargetError):
    """The operator does not let targets connect there."""


class Fence:
    """What the operator allows: names, addresses, paths of Unix sockets; `*` = every host, but no Unix socket."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(name.lower() for name in allowed)
        self._paths = frozenset(allowed)
        self._resolved: frozenset[str] | None = None

    def lets(self, address: str) -> bool:
        """Whether a socket may connect to this address of IPv4 or IPv6."""
        if "*" in self._allowed or address.lower() in self._allowed:
            return True
        try:
            return _is_usual(ip_address(address.partition("%")[0])) or address in self._addresses()
        except ValueError:
            return False

    def lets_path(self, path: str) -> bool:
        """Whether it may connect to this Unix socket: such as the runner's Docker engine is its master key."""
        return path in self._paths or path in _OWN

    def _addresses(self) -> frozenset[str]:
        """What the operator's names stand for, looked up once."""
        if self._resolved is None:
            self._resolved = frozenset(
                address for name in self._allowed if not name.startswith(("/", "*")) for address in _lookup(name)
            )
        return self._resolved

    def guard(self) -> None:
        """Have every socket of this process obey, for good."""

        def look(event: str, arguments: tuple[object, ...]) -> None:
            if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
                self._judge(arguments[1])

        sys.addaudithook(look)

    def _judge(self, address: object) -> None:
        if isinstance(address, tuple) and not self.lets(str(address[0])):
            raise _refused(str(address[0]))
        if isinstance(address, str | bytes) and not self.lets_path(os.fsdecode(address)):
            raise _refused(os.fsdecode(address))


def open_own(path: str) -> None:
    """Let this process connect to a Unix socket that a program of its own listens at, such as a tunnel to the target."""
    _OWN.add(path)


def check(host: str, port: int, allowed: Collection[str]) -> list[tuple[int, str]]:
    """The addresses of a host, each with its family, all allowed: connect to these. OutOfReachError, TargetError."""
    fence = Fence(allowed)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TargetError(f"{host} cannot be found: {getattr(error, 'strerror', None) or error}.") from None
    addresses = list(dict.fromkeys((int(family), str(name[0])) for family, _, _, _, name in found))
    for _, address in addresses:
        if host.lower() not in {name.lower() for name in allowed} and not fence.lets(address):
            raise _refused(host if host == address else f"{host} ({address})")
    return addresses


def connect(host: str, port: int, allowed: Collection[str], *, seconds: float = CONNECT_SECONDS) -> socket.socket:
    """A connection to the first of a host's addresses that answers. TargetError where none does."""
    said = ""
    for family, address in check(host, port, allowed):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(seconds)
        try:
            sock.connect((address, port))
        except OSError as error:
            sock.close()
            said = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
        except TargetError:
            sock.close()
            raise
        else:
            return sock
    raise TargetError(f"{host}, port {port}, cannot be reached: {said}.")


def _lookup(name: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return set()


def _is_usual(address: IPv4Address | IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return _is_usual(mapped)
    unusual = address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast
    # 0.0.0.0/8 reaches this machine on Linux; nothing of 240.0.0.0/4 is a host.
    return not unusual and not address.is_reserved and str(address) not in _METADATA and not _is_this_net(address)


def _is_this_net(address: IPv4Address | IPv6Address) -> bool:
    return isinstance(address, IPv4Address) and address.packed[0] == 0


def _refused(what: str) -> OutOfReachError:
    return OutOfReachError(
        f"{what} lies on the runner itself or its link, where nothing is deployed to. Whoever runs this service can"
        f" allow it with {SETTING}."
    )

"""Machines of their own, as far as a network goes: namespaces that hang on one bridge and can be cut off."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator


def missing() -> str:
    """Why there can be none here; "" where there can."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "needs root and the program ip"
    probe = subprocess.run(["ip", "netns", "list"], capture_output=True, timeout=10)
    return "" if probe.returncode == 0 else "no network namespaces here"


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=20)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr}")


class Machine:
    """One namespace; a command that begins with `before` runs in it."""

    def __init__(self, name: str, link: str) -> None:
        self.before = ["ip", "netns", "exec", name]
        self._link = link

    def cut_off(self) -> None:
        """Pull the cable: what is under way is lost, and nobody is told."""
        _ip("link", "set", self._link, "down")

    def connect(self) -> None:
        """Put it back."""
        _ip("link", "set", self._link, "up")


class Network:
    """A bridge with this machine at `address`."""

    def __init__(self) -> None:
        own = os.getpid() % 60_000
        self._name = f"cib{own}"
        self._part = f"10.{213 + own // 30_000}.{own % 250}"
        self._own = own
        self._made: list[tuple[str, ...]] = []

    @property
    def address(self) -> str:
        return f"{self._part}.1"

    @property
    def range(self) -> str:
        return f"{self._part}.0/24"

    def open(self) -> None:
        self._make("link", self._name, "type", "bridge")
        _ip("address", "add", f"{self.address}/24", "dev", self._name)
        _ip("link", "set", self._name, "up")

    def machine(self, number: int) -> Machine:
        """The machine `.{10 + number}` of the network."""
        name, link, inner = (f"{kind}{self._own}n{number}" for kind in ("cin", "civ", "cip"))
        _ip("netns", "add", name)
        self._made.append(("netns", "delete", name))
        self._make("link", link, "type", "veth", "peer", "name", inner)
        _ip("link", "set", link, "master", self._name, "up")
        _ip("link", "set", inner, "netns", name)
        _ip("-n", name, "address", "add", f"{self._part}.{10 + number}/24", "dev", inner)
        _ip("-n", name, "link", "set", inner, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        return Machine(name, link)

    def close(self) -> None:
        """Remove everything, whatever state it is in."""
        for words in reversed(self._made):
            with contextlib.suppress(RuntimeError):
                _ip(*words)

    def _make(self, kind: str, name: str, *words: str) -> None:
        _ip(kind, "add", name, *words)
        self._made.append((kind, "delete", name))


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """A network that is gone afterwards."""
    made = Network()
    try:
        made.open()
        yield made
    finally:
        made.close()

"""HAProxy's runtime API: the servers of one backend, read and changed one command at a time."""

from __future__ import annotations

import csv
import io
import socket
from collections.abc import Callable
from dataclasses import dataclass

from runners.targets.contract import TargetError

MOST_BYTES = 16 << 20
_MAINTENANCE, _DRAIN = 0x01 | 0x02 | 0x20, 0x08 | 0x10
_DONE = ("", "New server registered.", "Server deleted.", "no need to change")


@dataclass(frozen=True)
class Server:
    """One server of the backend, as it is now."""

    name: str
    address: str  # ip:port
    weight: int
    in_maintenance: bool
    drains: bool
    status: str  # HAProxy's words: UP, DOWN, MAINT, DRAIN, no check, UP 1/3
    check: str  # how the last health check ended: INI, L4OK, L7STS …; "" = it is not checked
    sessions: int  # requests under way and in its queue

    @property
    def gets_traffic(self) -> bool:
        """Whether new requests go there."""
        return self.weight > 0 and not self.in_maintenance and not self.drains

    @property
    def is_proved(self) -> bool:
        """Whether it answered HAProxy's check, or is not checked."""
        return not self.check or (self.check.endswith(("OK", "OKC")) and self.status.startswith(("UP", "DRAIN")))

    @property
    def is_down(self) -> bool:
        """Whether HAProxy's check failed."""
        return self.status.startswith("DOWN")


class Backend:
    """One backend. TargetError where HAProxy cannot be reached, or refuses."""

    def __init__(self, name: str, dial: Callable[[], socket.socket]) -> None:
        self.name, self._dial = name, dial

    def servers(self) -> list[Server]:
        """All of its servers."""
        stats = {row["svname"]: row for row in _csv(self.ask("show stat")) if row["pxname"] == self.name}
        rows = _table(self.ask(f"show servers state {self.name}"))
        return [_server(row, stats.get(row["srv_name"], {})) for row in rows]

    def add(self, name: str, address: str, *, check: bool) -> None:
        """A server that gets nothing yet: its weight is 0, and it is in maintenance."""
        self._do(f"add server {self.name}/{name} {address} weight 0{' check inter 1s fall 3 rise 2' if check else ''}")
        if check:
            self._do(f"enable health {self.name}/{name}")

    def aim(self, name: str, address: str) -> None:
        """Lead a server of a template, which is in maintenance, to an address."""
        host, _, port = address.rpartition(":")
        said = self.ask(f"set server {self.name}/{name} addr {host.strip('[]')} port {port}")
        if "changed" not in said and "no need" not in said:
            raise self._refused(said)

    def weigh(self, name: str, weight: int) -> None:
        """Set its weight, 0 to 256, for the requests from now on."""
        self._do(f"set server {self.name}/{name} weight {weight}")

    def put(self, name: str, state: str) -> None:
        """`ready`; `drain`: no new requests; `maint`: nothing at all."""
        self._do(f"set server {self.name}/{name} state {state}")

    def cut(self, name: str) -> None:
        """End what is still under way there."""
        self._do(f"shutdown sessions server {self.name}/{name}")

    def delete(self, name: str) -> bool:
        """Take a server out that was added and is in maintenance. False where connections still hold it."""
        said = self.ask(f"del server {self.name}/{name}")
        if "connection" in said:
            return False
        if said not in _DONE and "No such server" not in said:
            raise self._refused(said)
        return True

    def ask(self, command: str) -> str:
        """What HAProxy answers to a command."""
        said = bytearray()
        with self._dial() as connection:
            try:
                connection.sendall(command.encode() + b"\n")
                while chunk := connection.recv(65536):
                    said += chunk
                    if len(said) > MOST_BYTES:
                        raise TargetError("HAProxy says too much.")
            except OSError as error:
                raise TargetError(f"HAProxy's runtime API does not answer: {error.strerror or error}.") from None
        text = said.decode(errors="replace").strip()
        if text.startswith("Permission denied"):
            raise TargetError("HAProxy's socket does not let us change servers: it needs `level admin`.")
        if text in {"Can't find backend.", "No such backend."}:
            raise TargetError(f"HAProxy has no backend “{self.name}”.")
        return text

    def _do(self, command: str) -> None:
        said = self.ask(command)
        if said not in _DONE:
            raise self._refused(said)

    def _refused(self, said: str) -> TargetError:
        return TargetError(f"HAProxy refuses for the backend {self.name}: {said[:300]}")


def _server(row: dict[str, str], stat: dict[str, str]) -> Server:
    admin = int(row["srv_admin_state"])
    host = f"[{row['srv_addr']}]" if ":" in row["srv_addr"] else row["srv_addr"]
    return Server(
        name=row["srv_name"],
        address=f"{host}:{row['srv_port']}",
        weight=int(row["srv_uweight"]),
        in_maintenance=bool(admin & _MAINTENANCE),
        drains=bool(admin & _DRAIN),
        status=stat.get("status", ""),
        check="" if stat.get("status") == "no check" else stat.get("check_status", "").lstrip("* "),
        sessions=int(stat.get("scur") or 0) + int(stat.get("qcur") or 0),
    )


def _table(text: str) -> list[dict[str, str]]:
    """`show servers state`: a version, a line of names after a #, and the servers."""
    lines = text.splitlines()
    if len(lines) < 2 or not lines[1].startswith("# "):
        raise TargetError(f"HAProxy says something else than its servers: {text[:200]}")
    names = lines[1].removeprefix("# ").split()
    return [dict(zip(names, line.split(), strict=False)) for line in lines[2:] if line.strip()]


def _csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("# "))))

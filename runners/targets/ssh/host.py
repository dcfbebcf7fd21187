"""One host: a connection, scripts run on it, bytes sent to it. Every wait has an end."""

from __future__ import annotations

import contextlib
import shlex
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import paramiko

from runners.targets import reach
from runners.targets.contract import Delivery, TargetError
from runners.targets.ssh.hearing import OnLine, Words, hear, unheard
from runners.targets.ssh.keys import check, name_of, prefer
from runners.targets.ssh.settings import parts_of

HANDSHAKE_SECONDS = 20.0
STALL_SECONDS = 60.0
KEEPALIVE_SECONDS = 15
_CHUNK = 256 * 1024
# The script comes by its standard input: anybody on the host can read a command line.
_RUN = """exec sh -c 'echo $$; eval "$(cat)"'"""


@dataclass(frozen=True, kw_only=True)
class Access:
    """What opens hosts."""

    user: str
    key: paramiko.PKey
    known: paramiko.HostKeys


@dataclass(frozen=True)
class Ran:
    """How a script ended."""

    code: int
    lines: tuple[str, ...]  # the last that it printed

    @property
    def last(self) -> str:
        """Its last words."""
        return next((line for line in reversed(self.lines) if line.strip()), f"exit code {self.code}")


class Host:
    """A connection. Used by one thread at a time."""

    def __init__(self, name: str, transport: paramiko.Transport) -> None:
        self.name = name
        self._transport = transport

    @classmethod
    def open(cls, name: str, access: Access, delivery: Delivery) -> Host:
        """Connect and log in. TargetError in a sentence, UnknownHostError."""
        user, address, port = parts_of(name)
        sock = reach.connect(address, port, delivery.allowed_hosts)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(STALL_SECONDS * 1000))
        host = cls(name, paramiko.Transport(sock))
        try:
            host._log_in(user or access.user, name_of(address, port), access)
        except BaseException:
            host.close()
            raise
        return host

    def _log_in(self, user: str, called: str, access: Access) -> None:
        transport = self._transport
        transport.banner_timeout = transport.auth_timeout = transport.channel_timeout = HANDSHAKE_SECONDS
        options = transport.get_security_options()
        options.key_types = prefer(access.known.lookup(called) or (), options.key_types)
        try:
            transport.start_client(timeout=HANDSHAKE_SECONDS)
            check(called, transport.get_remote_server_key(), access.known)
            wanted = transport.auth_publickey(user, access.key)
        except paramiko.AuthenticationException:
            raise TargetError(
                f"{self.name}: {user} is not let in with this key ({access.key.get_name()} {access.key.fingerprint}):"
                " put its public half into that user's authorized_keys."
            ) from None
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise TargetError(f"{self.name}: it does not speak SSH with us: {_said(error)}.") from None
        if wanted:
            raise TargetError(f"{self.name}: it wants {', '.join(wanted)} beside the key, which nobody gives it here.")
        transport.set_keepalive(KEEPALIVE_SECONDS)

    def close(self) -> None:
        """End the connection, and with it whatever reads from it over there."""
        self._transport.close()
        self._transport.join(HANDSHAKE_SECONDS)
        with contextlib.suppress(OSError):
            self._transport.sock.close()

    def run(self, script: str, *, seconds: float = STALL_SECONDS, on_line: OnLine = unheard) -> Ran:
        """Shell text, up to its end; what it leaves running is not waited for. TargetError where it takes longer."""
        words = Words(on_line, has_number=True)
        with self._channel(_RUN) as channel:
            self._push(channel, script.encode())
            channel.shutdown_write()
            if not hear(channel, words, seconds):
                self._kill(words.number)
                raise TargetError(f"{self.name}: it was not done within {seconds:g} s.")
            return self._ran(channel, words)

    def feed(self, script: str, read: Callable[[int], bytes], on_bytes: Callable[[int], None]) -> Ran:
        """Shell text without secrets, that is given bytes on its standard input."""
        words = Words(unheard)
        with self._channel(f"exec sh -c {shlex.quote(script)}") as channel:
            while (chunk := read(_CHUNK)) and self._push(channel, chunk):
                on_bytes(len(chunk))
            with contextlib.suppress(OSError):
                channel.shutdown_write()
            if not hear(channel, words, STALL_SECONDS):
                raise TargetError(f"{self.name}: what was sent was not taken in within {STALL_SECONDS:g} s.")
            return self._ran(channel, words)

    @contextlib.contextmanager
    def _channel(self, command: str) -> Iterator[paramiko.Channel]:
        try:
            channel = self._transport.open_session(timeout=HANDSHAKE_SECONDS)
            channel.set_combine_stderr(True)
            channel.settimeout(STALL_SECONDS)
            channel.exec_command(command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise TargetError(f"{self.name}: it lets nothing be run: {_said(error)}.") from None
        with channel:
            yield channel

    def _push(self, channel: paramiko.Channel, data: bytes) -> bool:
        """False where the command takes no more: it ended, and what it said tells why."""
        try:
            channel.sendall(data)
        except TimeoutError:
            raise TargetError(f"{self.name}: it has taken nothing in for {STALL_SECONDS:g} s.") from None
        except OSError:
            return False
        return True

    def _ran(self, channel: paramiko.Channel, words: Words) -> Ran:
        code = channel.recv_exit_status() if channel.exit_status_ready() else -1
        if code == -1 and not self._transport.is_active():
            raise TargetError(f"{self.name}: the connection broke.")
        return Ran(code, words.end())

    def _kill(self, number: str) -> None:
        """A script that took too long, with all that it started: sshd made it lead a group."""
        if number.isdigit():
            with contextlib.suppress(TargetError):
                self.run(f"kill -TERM -{number}; sleep 1; kill -KILL -{number}")


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().rstrip(".")

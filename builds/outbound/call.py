"""One outgoing call: where it may connect, and the watchdog that ends it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType

from django.conf import settings

from builds.outbound.addresses import is_allowed
from builds.outbound.errors import DeliveryError

RESOLVE_SECONDS = 5
MOST_ADDRESSES = 4

# A lookup cannot be interrupted: one that takes too long is left behind in its thread.
_resolver = ThreadPoolExecutor(32, thread_name_prefix="resolve")


class Call:
    """A context in which `connect` works; at the end of its time whatever it connected is shut, at any stage.

    A time limit on the socket is one for each read, so a server that sends a byte now and then would hold on for ever.
    """

    def __init__(self, *, connect_seconds: float, total_seconds: float) -> None:
        self.timed_out = False
        self.certificate_ends: datetime | None = None
        self._connect_seconds = connect_seconds
        self._end = time.monotonic() + total_seconds
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._watchdog = threading.Timer(total_seconds, self._shut)
        self._watchdog.daemon = True

    def __enter__(self) -> Call:
        self._watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchdog.cancel()
        self._watchdog.join()
        for each in self._sockets:
            each.close()

    def connect(self, host: str, port: int) -> socket.socket:
        """A socket connected to one of the allowed addresses of `host`; DeliveryError where there is none."""
        found = _resolve(host, port, min(RESOLVE_SECONDS, self._left()))
        allowed = [a for a in found if is_allowed(host, a, port, settings.OUTBOUND_ALLOWED_HOSTS)]
        if not allowed:
            raise DeliveryError("This address is not on the public internet and so is not called", permanent=True)
        connected = self._first(allowed[:MOST_ADDRESSES], port)
        self._watch(connected)
        return connected

    def _first(self, addresses: list[str], port: int) -> socket.socket:
        for address in addresses:
            with contextlib.suppress(OSError):
                return socket.create_connection((address, port), timeout=min(self._connect_seconds, self._left()))
        raise DeliveryError("The connection failed")

    def _left(self) -> float:
        """Seconds, more than 0."""
        left = self._end - time.monotonic()
        if left <= 0 or self.timed_out:
            raise DeliveryError("No answer in time")
        return left

    def _watch(self, connected: socket.socket) -> None:
        # A duplicate: wrapping a socket in TLS takes its descriptor away, and shutting any duplicate shuts the connection.
        with self._lock:
            self._sockets += [connected.dup(), connected]
        if self.timed_out:
            self._shut()

    def _shut(self) -> None:
        self.timed_out = True
        with self._lock:
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def _resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of `host`, in the resolver's order, each once."""
    lookup = _resolver.submit(socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM)
    try:
        answers = lookup.result(seconds)
    except TimeoutError:
        lookup.cancel()
        raise DeliveryError("The name was not found in time") from None
    except (OSError, UnicodeError):
        raise DeliveryError("The name was not found") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in answers))

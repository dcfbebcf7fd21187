"""Small servers that outgoing calls meet: a catcher, a canary, and some that misbehave."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator


class Server:
    """Listens on a loopback address; `behave(connection)` runs for each connection; `seen` counts them."""

    def __init__(self, behave: Callable[[socket.socket, threading.Event], None], address: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.socket(family)
        self._listener.bind((address, 0))
        self._listener.listen(128)
        self.port = self._listener.getsockname()[1]
        self.seen = 0
        self.over = threading.Event()
        self._behave = behave
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self.over.is_set():
                connection.close()
                return
            self.seen += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            self._behave(connection, self.over)

    def close(self) -> None:
        self.over.set()
        # Wakes the accept, which closing the listener would not.
        with contextlib.suppress(OSError), socket.create_connection(self._listener.getsockname()[:2], timeout=1):
            pass
        self._listener.close()
        for thread in self._threads:
            thread.join(20)


@contextlib.contextmanager
def serving(behave: Callable[[socket.socket, threading.Event], None], address: str = "127.0.0.1") -> Iterator[Server]:
    server = Server(behave, address)
    try:
        yield server
    finally:
        server.close()


def read_request(connection: socket.socket) -> bytes:
    """Head and body of one request."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return data
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(answer: bytes, requests: list[bytes]) -> Callable[[socket.socket, threading.Event], None]:
    """Keeps each request and gives `answer`."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        requests.append(read_request(connection))
        connection.sendall(answer)

    return behave


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Takes everything and never answers."""
    over.wait(20)


def dripping(connection: socket.socket, over: threading.Event) -> None:
    """A byte of header now and then: no single read ever times out."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not over.wait(0.05):
        connection.sendall(b"x")


def refusing(connection: socket.socket, over: threading.Event) -> None:
    """A canary: that somebody came is what counts."""


def encrypted(context: ssl.SSLContext, behave: Callable[[socket.socket, threading.Event], None]):
    """The same over TLS; a caller who does not like what is shown leaves."""

    def shake(connection: socket.socket, over: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as inner:
            behave(inner, over)

    return shake

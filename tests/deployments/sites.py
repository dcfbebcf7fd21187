"""A site on loopback that answers as a test wants, and counts who came."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.builds.outbound.servers import read_request, serving


class Site:
    """`say` sets what every request is answered from now on; `asked` are the request lines so far."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self.say(200)

    def say(self, status: int, body: bytes = b"release 1 is here") -> None:
        head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self._answer = head.encode() + body

    def behave(self, connection: socket.socket, over: threading.Event) -> None:
        request = read_request(connection)
        self.heads.append(request)
        self.asked.append(request.split(b" HTTP/")[0].decode())
        self.meanwhile()
        connection.sendall(self._answer)


@contextmanager
def site() -> Iterator[Site]:
    """It is there inside of the block."""
    found = Site()
    with serving(found.behave) as server:
        found.url = f"http://127.0.0.1:{server.port}/"
        yield found

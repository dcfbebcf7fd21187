"""Reads what a container prints, straight from the socket of its attachment: raw bytes, in the order they arrive."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import requests
from docker.errors import DockerException
from docker.types import CancellableStream

_HEADER_BYTES = 8  # kind of stream, three zeros, length of the payload (big endian)
_READ_BYTES = 256 * 1024


class Attachment:
    """The two-way stream of a container or an exec. One thread reads; any thread may write, or `close` to wake the reader."""

    def __init__(self, docker_socket: Any) -> None:
        self._source = docker_socket
        # The client hands out a file-like wrapper for Unix sockets, which can neither be written nor shut down.
        is_socket = isinstance(docker_socket, socket.socket)
        self._socket = docker_socket if is_socket else socket.socket(fileno=os.dup(docker_socket.fileno()))
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._header = bytearray()
        self._left = 0

    def read(self, seconds: float) -> bytes | None:
        """What was printed next; b"" at the end of the stream, None where nothing came for `seconds`."""
        self._socket.settimeout(seconds)
        while True:
            try:
                size = self._socket.recv_into(self._buffer)
            except TimeoutError:
                return None
            except OSError:  # reset, or closed by another thread: the caller asks the engine what that means
                return b""
            if size == 0:
                return b""
            if payload := self._payload(self._buffer[:size]):
                return payload

    def write(self, data: bytes) -> None:
        """Send to standard input; OSError where the other side is gone."""
        self._socket.settimeout(30)
        self._socket.sendall(data)

    def close(self) -> None:
        """End the stream; what comes later is lost."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        # The client keeps the answer that the stream came with, which owns the connection.
        owner = getattr(self._source, "_response", self._source)
        with contextlib.suppress(OSError, ValueError):
            owner.close()

    def _payload(self, data: memoryview) -> bytes:
        parts: list[bytes | memoryview] = []
        at, end = 0, len(data)
        while at < end:
            if self._left:
                until = min(at + self._left, end)
                parts.append(data[at:until])
                self._left -= until - at
            else:
                until = min(at + _HEADER_BYTES - len(self._header), end)
                self._header += data[at:until]
                if len(self._header) == _HEADER_BYTES:
                    self._left = int.from_bytes(self._header[4:], "big")
                    self._header.clear()
            at = until
        return b"".join(parts)


class Lines:
    """The lines of a long answer (progress of a pull or build, events); `close` from any thread ends it."""

    def __init__(self, response: requests.Response) -> None:
        self._response = response
        self._stream = CancellableStream(response.iter_lines(chunk_size=None), response)

    def __iter__(self) -> Iterator[bytes]:
        """Ends with the answer, with the connection, or with `close`: the last line tells which."""
        try:
            for line in self._stream:
                if line:
                    yield bytes(line)
        except (requests.RequestException, AttributeError, ValueError):
            # The client's layers answer a socket that was closed under them in all of these ways.
            return

    def close(self) -> None:
        """Wake the reader and end the stream."""
        with contextlib.suppress(OSError, AttributeError, DockerException):
            self._stream.close()

    def release(self) -> None:
        """Give the connection back: called by the reader when it is done."""
        self.close()
        self._response.close()

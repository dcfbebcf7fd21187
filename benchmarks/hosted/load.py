"""A generator of load: many connections that each send the next request as soon as the last was answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST_SECONDS = 300


@dataclass
class Answers:
    """What came back: seconds of each request, and how many of each status; 0 = the connection broke."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


def send(port: int, requests: list[bytes], *, connections: int) -> Answers:
    """Send all of them to 127.0.0.1 and wait for the answers."""
    return asyncio.run(asyncio.wait_for(_send(port, requests, connections), LONGEST_SECONDS))


async def _send(port: int, requests: list[bytes], connections: int) -> Answers:
    answers, ahead, loop = Answers(), iter(requests), asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Connection(ahead, answers), "127.0.0.1", port) for _ in range(connections)
    ]
    began = time.perf_counter()
    for _, connection in made:
        connection.begin()
    await asyncio.gather(*(connection.done for _, connection in made))
    answers.seconds = time.perf_counter() - began
    return answers


class _Connection(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self, ahead: Iterator[bytes], answers: Answers) -> None:
        self._ahead, self._answers = ahead, answers
        self._received, self._sent_at = b"", 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def begin(self) -> None:
        """Send the next request, or end."""
        request = next(self._ahead, None)
        if request is None:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, divider, body = self._received.partition(b"\r\n\r\n")
        if divider and len(body) >= _length(head):
            self._answers.latencies.append(time.perf_counter() - self._sent_at)
            self._answers.statuses[int(head[9:12])] += 1
            self._received = b""
            self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._answers.statuses[0] += 1
            self.done.set_result(None)


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at < 0:
        raise ValueError(f"an answer without a length: {head[:300]!r}")
    return int(lower[at + 15 :].split(b"\r\n", 1)[0])

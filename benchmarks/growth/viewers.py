"""Clients that follow a build's events and do nothing else."""

from __future__ import annotations

import asyncio
import threading

READY_SECONDS = 120


class Viewers:
    """`count` open streams while the block runs, from one thread."""

    def __init__(self, port: int, path: str, token: str, count: int) -> None:
        self._port, self._count = port, count
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._writers: list[asyncio.StreamWriter] = []

    def __enter__(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(READY_SECONDS)

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(READY_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> None:
        self._readers = await asyncio.gather(*(self._one() for _ in range(self._count)))

    async def _one(self) -> asyncio.Task[None]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0], head
        self._writers.append(writer)
        return asyncio.create_task(_drain(reader))

    async def _close(self) -> None:
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._readers, return_exceptions=True)


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass

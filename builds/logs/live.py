"""The live tail of running steps, and the topics that pages listen to: the only module that talks to Redis.

Redis is never the truth here: everything in it is stored elsewhere too, or can be read from rows. So a failure costs
latency and nothing else: it is caught in this module, logged now and then, and never raised to a caller.

A step's tail is a Redis stream whose entry ids are byte offsets: an entry has the id `<offset of its end>-0`. So a
reader resumes by offset, an entry sent twice is refused by Redis itself, and trimming needs no index.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from uuid import UUID

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

CHUNK_BYTES = 64 * 1024
TAIL_BYTES = 1536 * 1024  # of one step, in Redis
TAIL_ENTRIES = 8192
TAIL_SECONDS = 6 * 3600  # a step whose runner vanished, and whom nobody rescued
CLOSED_SECONDS = 3600
TOPIC_EVENTS = 256
TOPIC_SECONDS = 3600
CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 1.0
BLOCK_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 5.0

Result = TypeVar("Result")
Fields = dict[bytes, bytes]
Entry = tuple[str, Fields]
"""(id, fields) of one entry of a stream."""


class Away(Exception):
    """Redis does not answer; only `Follower` raises it, to its one caller."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a step's output on its way to the viewers."""

    offset: int  # of its first byte
    line: int  # line breaks before it
    starts_line: bool  # False where it begins inside a line
    ms: int  # unix time
    data: bytes

    @property
    def end(self) -> int:
        """Offset after its last byte."""
        return self.offset + len(self.data)


@dataclass(frozen=True, slots=True)
class Tail:
    """What Redis has of a step's output; nothing where it does not answer."""

    chunks: tuple[Chunk, ...] = ()
    ended: bool = False  # the writer said that nothing follows


def log_key(step_uuid: UUID | str) -> str:
    """The stream of a step's output."""
    return f"log:{step_uuid}"


def topic_key(topic: str) -> str:
    """The stream of a topic, such as `build:<uuid>`."""
    return f"topic:{topic}"


class _Door:
    """One client for the threads of a process; after a failure nobody knocks for a moment, so that a dead Redis is cheap."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=30,
            protocol=2,
        )
        self._shut_until = 0.0
        self._pause = 0.0

    def ask(self, question: Callable[[redis.Redis], Result]) -> Result | None:
        """The answer, or None where Redis is away."""
        if time.monotonic() < self._shut_until:
            return None
        try:
            answer = question(self.client)
        except (redis.RedisError, OSError) as error:
            self._failed(error)
            return None
        if self._pause:
            self._pause = 0.0
            logger.info("Redis answers again")
        return answer

    def _failed(self, error: Exception) -> None:
        if not self._pause:
            logger.warning("Redis does not answer, live pages are slower: %s", error)
        self._pause = min(max(self._pause * 2, 0.25), LONGEST_PAUSE_SECONDS)
        self._shut_until = time.monotonic() + self._pause


_doors: dict[str, _Door] = {}
_doors_lock = threading.Lock()


def _ask(question: Callable[[redis.Redis], Result]) -> Result | None:
    with _doors_lock:
        door = _doors.get(settings.REDIS_URL) or _doors.setdefault(settings.REDIS_URL, _Door(settings.REDIS_URL))
    return door.ask(question)


def disconnect() -> None:
    """Close this process's connections; the next call opens them again."""
    with _doors_lock:
        for door in _doors.values():
            door.client.close()
        _doors.clear()


def answers() -> bool:
    """Whether Redis is there."""
    return bool(_ask(lambda client: client.ping()))


def append(step_uuid: UUID | str, chunks: Iterable[Chunk]) -> bool:
    """Put chunks at the end of a step's tail, oldest first; False where Redis did not take them: send them again."""
    key = log_key(step_uuid)

    def send(client: redis.Redis) -> bool:
        end = 0
        with client.pipeline(transaction=False) as pipe:
            for chunk in chunks:
                pipe.xadd(key, cast(Any, _fields(chunk)), id=f"{chunk.end}-0", maxlen=TAIL_ENTRIES)
                end = chunk.end
            pipe.xtrim(key, minid=f"{max(end - TAIL_BYTES, 0) + 1}", approximate=False)
            pipe.expire(key, TAIL_SECONDS)
            for answer in pipe.execute(raise_on_error=False):
                if isinstance(answer, Exception) and not _is_double(answer):
                    raise answer
        return True

    return _ask(send) is True


def _fields(chunk: Chunk) -> dict[str, bytes | int]:
    return {"d": chunk.data, "l": chunk.line, "s": int(chunk.starts_line), "t": chunk.ms}


def _is_double(answer: Exception) -> bool:
    return isinstance(answer, redis.ResponseError) and "equal or smaller" in str(answer)


def read_chunk(entry: Entry) -> Chunk | None:
    """The chunk of an entry of a step's tail; None = the mark of its end."""
    entry_id, fields = entry
    end = int(entry_id.partition("-")[0])
    if b"e" in fields:
        return None
    data = fields[b"d"]
    return Chunk(end - len(data), int(fields[b"l"]), fields[b"s"] == b"1", int(fields[b"t"]), data)


def trim(step_uuid: UUID | str, below_byte: int) -> None:
    """Forget what ends at or before `below_byte`: it is stored."""
    if below_byte > 0:
        _ask(lambda client: client.xtrim(log_key(step_uuid), minid=f"{below_byte + 1}", approximate=False))


def tail(step_uuid: UUID | str) -> Tail:
    """What Redis has; stretches may be missing."""
    answer = _ask(lambda client: client.xrange(log_key(step_uuid)))
    if answer is None:
        return Tail()
    read = [read_chunk((entry_id.decode(), fields)) for entry_id, fields in cast("list[tuple[bytes, Fields]]", answer)]
    return Tail(tuple(chunk for chunk in read if chunk), ended=None in read)


def close(step_uuid: UUID | str, end_byte: int) -> bool:
    """Mark the end of a step's output and let it expire; True where viewers will see it."""
    key = log_key(step_uuid)

    def send(client: redis.Redis) -> bool:
        with client.pipeline(transaction=False) as pipe:
            pipe.xadd(key, {"e": b"1"}, id=f"{end_byte}-1")
            pipe.expire(key, CLOSED_SECONDS)
            added, _ = pipe.execute(raise_on_error=False)
        if isinstance(added, Exception) and not _is_double(added):
            raise added
        return True

    return _ask(send) is True


def publish(topic: str, event: Mapping[str, object]) -> None:
    """Tell whoever watches `topic`; who misses it reads the rows."""
    publish_to((topic,), event)


def publish_to(topics: Iterable[str], event: Mapping[str, object]) -> None:
    """Tell several topics the same, in one go."""
    publish_all([(topics, event)])


def publish_all(news: Iterable[tuple[Iterable[str], Mapping[str, object]]]) -> None:
    """Tell topics one event after another, in one go."""
    sent = [
        (topic_key(topic), json.dumps(event, separators=(",", ":"), default=str))
        for topics, event in news
        for topic in topics
    ]

    def send(client: redis.Redis) -> None:
        with client.pipeline(transaction=False) as pipe:
            for key, text in sent:
                pipe.xadd(key, {"j": text}, maxlen=TOPIC_EVENTS)
            for key in dict(sent):
                pipe.expire(key, TOPIC_SECONDS)
            pipe.execute()

    _ask(send)


def count(key: str, seconds: int) -> int | None:
    """Count one more under `key`, which is forgotten `seconds` after; how many there are, None where Redis is away."""

    def send(client: redis.Redis) -> int:
        with client.pipeline(transaction=False) as pipe:
            pipe.incr(key)
            pipe.expire(key, seconds)
            counted, _ = pipe.execute()
        return int(counted)

    return _ask(send)


class Follower:
    """Waits for news of many streams at once, on one connection of the running event loop."""

    def __init__(self, wake_key: str) -> None:
        self._wake_key = wake_key
        self._woken = "0-0"
        self._client = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=BLOCK_SECONDS + 2,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=AsyncRetry(NoBackoff(), 0),
            protocol=2,
        )

    async def read(self, positions: Mapping[str, str]) -> dict[str, list[Entry]]:
        """Entries after the given ids, as soon as there are some; empty after BLOCK_SECONDS or `wake`. Raises `Away`."""
        watched = {**positions, self._wake_key: self._woken}
        answer = await self._ask(self._client.xread(cast(Any, watched), block=int(BLOCK_SECONDS * 1000)))
        found = {
            key.decode(): [(entry_id.decode(), fields) for entry_id, fields in entries] for key, entries in answer or ()
        }
        for entry_id, _ in found.pop(self._wake_key, ()):
            self._woken = entry_id
        return found

    async def newest(self, key: str) -> str:
        """The id of the last entry of a stream, "0-0" where there is none. Raises `Away`."""
        entries = await self._ask(self._client.xrevrange(key, count=1))
        return entries[0][0].decode() if entries else "0-0"

    async def wake(self) -> None:
        """Have `read` return now. Raises `Away`."""
        await self._ask(self._client.xadd(self._wake_key, {"w": b"1"}, maxlen=1, approximate=False))
        await self._ask(self._client.expire(self._wake_key, TOPIC_SECONDS))

    async def _ask(self, question: Any) -> Any:
        try:
            return await question
        except (redis.RedisError, OSError, TimeoutError) as error:
            raise Away(str(error)) from None

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

"""The live tail: what is sent twice is there once, what is stored goes, and a Redis that is away costs nothing but time."""

from __future__ import annotations

import pytest
import redis

from builds.logs import live
from builds.logs.live import Chunk
from tests.servers import Redis, wait_until

STEP = "0b3f4d5e-0000-4000-8000-000000000000"


@pytest.fixture
def own_redis(settings):
    """A Redis of the test's own, to be killed."""
    server = Redis()
    server.start()
    settings.REDIS_URL = server.url
    live.disconnect()
    yield server
    live.disconnect()
    server.remove()


def chunk(offset: int, data: bytes) -> Chunk:
    return Chunk(offset, 0, True, 1_700_000_000_000, data)


def test_what_is_appended_is_the_tail(own_redis):
    chunks = (chunk(0, b"one\n"), Chunk(4, 1, True, 5, b"tw"), Chunk(6, 1, False, 6, b"o\n"))
    assert live.append(STEP, chunks)
    assert live.tail(STEP) == live.Tail(chunks, ended=False)


def test_what_is_sent_again_is_there_once(own_redis):
    chunks = [chunk(0, b"one\n"), chunk(4, b"two\n")]
    assert live.append(STEP, chunks[:1])
    assert live.append(STEP, chunks)
    assert live.append(STEP, chunks)
    assert live.tail(STEP).chunks == tuple(chunks)


def test_what_is_stored_is_trimmed_and_the_end_is_marked(own_redis):
    live.append(STEP, [chunk(0, b"one\n"), chunk(4, b"two\n"), chunk(8, b"three\n")])
    live.trim(STEP, 8)
    assert [c.data for c in live.tail(STEP).chunks] == [b"three\n"]
    live.trim(STEP, -5)
    assert live.close(STEP, 14)
    assert live.close(STEP, 14)
    assert live.tail(STEP).ended
    client = redis.Redis.from_url(own_redis.url)
    assert 0 < client.ttl(live.log_key(STEP)) <= live.CLOSED_SECONDS
    client.close()


def test_memory_of_one_step_is_bounded(own_redis):
    client = redis.Redis.from_url(own_redis.url)
    for number in range(200):
        live.append(STEP, [chunk(number * live.CHUNK_BYTES, b"x" * live.CHUNK_BYTES)])
    assert client.memory_usage(live.log_key(STEP), samples=0) < 2 * 1024 * 1024
    offset = 200 * live.CHUNK_BYTES
    for number in range(20):
        live.append(STEP, [chunk(offset + number * 1000 + each, b"y") for each in range(1000)])
    assert client.memory_usage(live.log_key(STEP), samples=0) < 2 * 1024 * 1024
    assert client.ttl(live.log_key(STEP)) > 0
    client.close()


def test_topics_are_short_and_expire(own_redis):
    for number in range(1000):
        live.publish("build:x", {"type": "build", "number": number})
    client = redis.Redis.from_url(own_redis.url)
    key = live.topic_key("build:x")
    assert client.xlen(key) < 2 * live.TOPIC_EVENTS
    assert 0 < client.ttl(key) <= live.TOPIC_SECONDS
    client.close()


def test_a_redis_that_is_away_is_felt_by_nobody(own_redis):
    assert live.append(STEP, [chunk(0, b"one\n")])
    own_redis.kill()
    assert not live.append(STEP, [chunk(4, b"two\n")])
    assert live.tail(STEP) == live.Tail()
    assert not live.close(STEP, 8)
    live.trim(STEP, 4)
    live.publish("build:x", {"type": "build"})
    own_redis.start()
    wait_until(lambda: live.append(STEP, [chunk(4, b"two\n")]), what="Redis to be found again")
    assert [c.data for c in live.tail(STEP).chunks] == [b"two\n"]


def test_a_redis_that_refuses_is_as_good_as_away(own_redis):
    client = redis.Redis.from_url(own_redis.url)
    client.set(live.log_key(STEP), "not a stream")
    client.close()
    assert not live.append(STEP, [chunk(0, b"one\n")])
    assert live.tail(STEP) == live.Tail()

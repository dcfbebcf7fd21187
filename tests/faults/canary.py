"""Looks for secrets where none may be: every row, every file (compressed ones opened), every key of Redis.

A house's project has a secret that its builds print and pass around; after the house is empty nobody may know it.
"""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path

import redis
import zstandard
from django.apps import apps
from django.db import connection

_ZSTD = b"\x28\xb5\x2f\xfd"


def spellings(secret: str) -> list[bytes]:
    """The secret, and what it looks like in base64 and in an address."""
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return [text.encode() for text in dict.fromkeys([secret, encoded, urllib.parse.quote(secret, safe="")])]


def search(secret: str, folders: Iterable[Path], redis_url: str = "") -> list[str]:
    """Where it was found, in the database too; none = nowhere."""
    return found(secret, [*rows(), *(place for folder in folders for place in files(folder)), *keys(redis_url)])


def found(secret: str, places: Iterable[tuple[str, bytes]]) -> list[str]:
    """The names of those that hold it."""
    known, places = spellings(secret), list(places)
    assert places, "nothing was searched"
    return [name for name, content in places if any(one in content for one in known)]


def rows() -> Iterator[tuple[str, bytes]]:
    """Every row as the database has it: what is sealed stays sealed."""
    for model in apps.get_models():
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                yield f"row {row[0]} of {table}", _bytes(row)


def _bytes(row: tuple[object, ...]) -> bytes:
    return b"\0".join(bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for one in row)


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below it, opened where it is compressed."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            yield f"name {path}", str(path).encode()
            yield f"file {path}", content + _opened(content)


def _opened(content: bytes) -> bytes:
    if not content.startswith(_ZSTD):
        return b""
    reader = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True)
    return reader.read()


def keys(url: str) -> Iterator[tuple[str, bytes]]:
    """Every key of Redis with all that it holds."""
    if not url:
        return
    with redis.Redis.from_url(url) as client:
        try:
            names = list(client.scan_iter())
        except redis.ConnectionError:
            return  # killed by the test
        read = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"stream": client.xrange,
        }
        for name in names:
            yield f"key {name!r}", name + repr(read[client.type(name)](name)).encode()

"""Server-Sent Events, read as they come."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit


def events(url: str, token: str, *, seconds: float = 300) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, data) of each event; ends with the stream. `seconds`: the longest silence."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=seconds)
    try:
        target = f"{address.path}?{address.query}" if address.query else address.path
        connection.request("GET", target, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{url}: {answer.status} {answer.read(500)!r}")
        name = "message"
        while line := answer.readline():
            if line.startswith(b"event: "):
                name = line[7:].strip().decode()
            elif line.startswith(b"data: "):
                yield name, json.loads(line[6:])
                name = "message"
    finally:
        connection.close()

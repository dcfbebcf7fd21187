"""Answers that come in parts, for pages and API alike: events as they happen, bytes as they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial

from django.http import StreamingHttpResponse

from builds.logs.hub import in_thread

# nginx holds answers back without X-Accel-Buffering.
_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


def event_answer(events: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """Server-Sent Events, each sent at once."""
    return StreamingHttpResponse(events, content_type="text/event-stream", headers=_HEADERS)


async def in_threads(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """`parts`, each read in a thread, one in memory at a time: reading a log waits for disk and database."""
    while (part := await in_thread(partial(next, parts, None))) is not None:
        yield part

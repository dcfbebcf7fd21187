"""Answers that come in parts, for pages and API alike: events as they happen, bytes as they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import PurePosixPath

from django.core.files.storage import default_storage
from django.http import Http404, StreamingHttpResponse
from django.utils.http import content_disposition_header

from builds.logs.hub import in_thread

# nginx holds answers back without X-Accel-Buffering.
_CHUNK = 1 << 18
_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


def event_answer(events: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """Server-Sent Events, each sent at once."""
    return StreamingHttpResponse(events, content_type="text/event-stream", headers=_HEADERS)


async def in_threads(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """`parts`, each read in a thread, one in memory at a time: reading a log waits for disk and database."""
    while (part := await in_thread(partial(next, parts, None))) is not None:
        yield part


def file_answer(storage_name: str, path: str, size: int) -> StreamingHttpResponse:
    """A stored file that a job made: always as a download, never as a page of ours. Http404 where storage lost it."""
    if not default_storage.exists(storage_name):
        raise Http404("The file is not in storage any more.")
    response = StreamingHttpResponse(in_threads(_chunks(storage_name)), content_type="application/octet-stream")
    name = PurePosixPath(path).name
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response.headers["Content-Length"] = str(size)
    return response


def _chunks(storage_name: str) -> Iterator[bytes]:
    """Opened when the first is asked for: an answer that nobody reads leaves nothing open."""
    with default_storage.open(storage_name, "rb") as file:
        yield from file.chunks(_CHUNK)

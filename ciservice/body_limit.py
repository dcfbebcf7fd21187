"""Ends requests whose bodies are too long while they come in, whatever their Content-Length says or hides.

Django's ASGI handler writes the whole body to disk before any view or middleware is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_TEXT = b'{"errors": ["The body is too long."]}'


class BodyLimit:
    """Answers 413 where a body has more than `limit` bytes; the application inside sees a client that went away."""

    def __init__(self, application: Application, limit: int) -> None:
        self._application = application
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._application(scope, receive, send)
        if _declared(scope) > self._limit:
            return await _refuse(send)
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
            return {"type": "http.disconnect"} if seen > self._limit else message

        await self._application(scope, counted, send)
        if seen > self._limit:
            await _refuse(send)
        return None


def _declared(scope: Scope) -> int:
    """The length that the request announces, in bytes; 0 where it says nothing that can be read."""
    values = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return int(values[0]) if values and len(values[0]) < 20 and values[0].isdigit() else 0


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"connection", b"close"),
        (b"content-length", b"%d" % len(_TEXT)),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": _TEXT})

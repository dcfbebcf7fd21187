"""Django behind ASGI, with a few threads that each keep a database connection.

Django's own handler gives every request a thread and, with it, a connection of its own, which nobody closes: PostgreSQL
runs out of them. Here a synchronous view runs with its middleware and signals in one thread of a pool, in one go; only
what is asynchronous, the streams, runs as Django has it, and gives back what it opened before it begins to send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import resolve, set_script_prefix

# A web process has one interpreter: more threads than these wait for it, and for each other.
THREADS = 8

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Handler(ASGIHandler):
    """One in each web process; it keeps at most `threads` database connections for synchronous views."""

    def __init__(self, *, threads: int = THREADS) -> None:
        super().__init__()
        self._synchronous = BaseHandler()
        self._synchronous.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or _is_asynchronous(scope):
            return await super().__call__(scope, receive, send)
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return None
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(self._threads, self._answer, scope, body)
        try:
            await self.send_response(response, send)
        finally:
            if response.streaming:
                await loop.run_in_executor(self._threads, response.close)
        return None

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        """The answer of an asynchronous view."""
        response: HttpResponseBase = await super().run_get_response(request)
        await sync_to_async(connections.close_all)()
        return response

    def _answer(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        """In a thread of the pool, whose context, and so whose connection, outlives the request."""
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        if request is None:
            body.close()
            assert refusal is not None
            return refusal
        response: HttpResponseBase = self._synchronous.get_response(request)
        if not response.streaming:
            response.close()  # its content stays; what it held, and the connection if it broke, are let go here
        return response


def _is_asynchronous(scope: Scope) -> bool:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    try:
        return iscoroutinefunction(resolve(path or "/").func)
    except (Http404, UnicodeError):
        return False

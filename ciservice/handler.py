"""Django behind ASGI with two doors: streams run in the event loop, everything else in a few threads.

Django's own handler hands a synchronous request from thread to thread, a new one each time, with a database connection
that nobody closes: PostgreSQL runs out of them. Here such a request takes one turn in a pool of threads that keep their
connections; a view whose answer comes `Later` holds no thread meanwhile. Only what is asynchronous, the streams, runs
as Django has it, and gives back what it opened before it begins to send.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from threading import local
from typing import IO, Any

from asgiref.sync import ThreadSensitiveContext, iscoroutinefunction, sync_to_async
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import response_for_exception
from django.core.signals import request_started
from django.db import connection, connections
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import ResolverMatch, resolve, set_script_prefix

from accounts import later
from ciservice.body_limit import Receive, Scope, Send

THREADS = 8
TRUST_SECONDS = 1.0


class Handler(ASGIHandler):
    """One in each web process; it keeps at most `threads` database connections for synchronous views."""

    def __init__(self, *, threads: int = THREADS) -> None:
        super().__init__()
        self._synchronous = _Synchronous()
        self._synchronous.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        match = _match(scope)
        if match is not None and iscoroutinefunction(match.func):
            return await super().__call__(scope, receive, send)
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return None
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._answer, scope, body, match)
        response = await work
        await self._send(await self._arrived(response) if isinstance(response, later.Later) else response, send)
        return None

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        """The beginning of a stream's answer; its connection is given back."""
        response: HttpResponseBase = await super().run_get_response(request)
        await sync_to_async(connections.close_all)()
        return response

    def _answer(self, scope: Scope, body: IO[bytes], match: ResolverMatch | None) -> HttpResponseBase:
        """In a thread of the pool, whose context, and so whose connection, outlives the request."""
        set_script_prefix(f"{scope.get('root_path', '')}/")
        request_started.send(sender=type(self), scope=scope)
        _trust.use()
        response = self._response(scope, body, match)
        if not response.streaming:
            _trust.note()
            response.close()  # sends request_finished
        return response

    def _response(self, scope: Scope, body: IO[bytes], match: ResolverMatch | None) -> HttpResponseBase:
        request, refusal = self.create_request(scope, body)
        if request is None:
            body.close()
            assert refusal is not None
            return refusal
        request.resolver_match = match
        later.note(request)
        return self._synchronous.get_response(request)

    async def _arrived(self, response: later.Later[Any]) -> HttpResponseBase:
        """The answer for which a view waits without a thread; where that failed, what Django says of a view that did."""
        try:
            return await response.answer()
        except Exception as error:  # noqa: BLE001  # as Django does with what views raise
            say = partial(response_for_exception, response.request, error)
            return await asyncio.get_running_loop().run_in_executor(self._threads, say)

    async def _send(self, response: HttpResponseBase, send: Send) -> None:
        if not response.streaming:
            return await self.send_response(response, send)
        async with ThreadSensitiveContext():
            try:
                await self.send_response(response, send)
            finally:
                await sync_to_async(response.close)()
        return None


class _Synchronous(BaseHandler):
    """Django's handler, told which view it is."""

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """What was found at the door, unless middleware chose other addresses."""
        if request.resolver_match is not None and not hasattr(request, "urlconf"):
            return request.resolver_match
        return super().resolve_request(request)


class _Trust(local):
    """Each thread's: a connection that was asked whether it works is not asked again before a second has passed."""

    until = 0.0

    def use(self) -> None:
        """Before the views."""
        if connection.connection is None or time.monotonic() >= self.until:
            self.until = 0.0
        else:
            connection.health_check_done = True  # type: ignore[attr-defined]  # not in the stubs

    def note(self) -> None:
        """After them: what failed is not trusted, what was only trusted not for longer."""
        if connection.errors_occurred:
            self.until = 0.0
        elif not self.until and connection.health_check_done:  # type: ignore[attr-defined]
            self.until = time.monotonic() + TRUST_SECONDS


_trust = _Trust()


def _match(scope: Scope) -> ResolverMatch | None:
    """The view of the address; None where there is none, which the synchronous door says."""
    return _found(scope["path"].removeprefix(scope.get("root_path", ""))) if scope["type"] == "http" else None


@lru_cache(maxsize=1024)
def _found(path: str) -> ResolverMatch | None:
    try:
        return resolve(path)
    except Http404:
        return None

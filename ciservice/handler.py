"""Django behind ASGI, with a few threads that each keep a database connection.

Django's own handler gives every request a thread and, with it, a connection of its own, which nobody closes: PostgreSQL
runs out of them. Here synchronous views and their middleware run in a pool of threads; only what is asynchronous, the
streams, runs as Django has it, and gives back what it opened before it begins to send.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections, connections
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import resolve, set_script_prefix

THREADS = 12


class Handler(ASGIHandler):
    """One in each web process; it keeps at most `threads` database connections for synchronous views."""

    def __init__(self, *, threads: int = THREADS) -> None:
        super().__init__()
        self._synchronous = BaseHandler()
        self._synchronous.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="web")

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, by the pool of threads or in the event loop."""
        assert isinstance(request, ASGIRequest)
        if not _is_asynchronous(request):
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, request)
        response: HttpResponseBase = await super().run_get_response(request)
        await sync_to_async(connections.close_all)()
        return response

    def _answer(self, request: ASGIRequest) -> HttpResponseBase:
        """In a thread of the pool, whose context, and so whose connection, outlives the request."""
        set_script_prefix(f"{request.script_name}/")
        close_old_connections()
        try:
            return self._synchronous.get_response(request)
        finally:
            close_old_connections()


def _is_asynchronous(request: HttpRequest) -> bool:
    try:
        return iscoroutinefunction(resolve(request.path_info).func)
    except Http404:
        return False

"""Gives every request a name, which is in its answer and in every line that is logged meanwhile."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bound_contextvars

HEADER = "X-Request-Id"
_NAME = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestContextMiddleware:
    """A proxy's name for the request is kept where it is one, so that its log and ours can be read together."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """The answer with the name in its header, or what to await for it."""
        return self._later(request) if self._is_async else self._now(request)

    def _now(self, request: HttpRequest) -> HttpResponseBase:
        with bound_contextvars(request=(name := _name_of(request))):
            return _named(self._get_response(request), name)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        with bound_contextvars(request=(name := _name_of(request))):
            return _named(await self._get_response(request), name)


def _name_of(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "")
    return given if _NAME.fullmatch(given) else uuid.uuid4().hex


def _named(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response.headers[HEADER] = name
    return response

"""From which address the request at hand comes: a middleware sets it, so that services need no request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest

_address: ContextVar[str | None] = ContextVar("request_address", default=None)


def request_address() -> str | None:
    """The address of who asks; None outside of requests, and where the server knows none."""
    return _address.get()


class RequestAddressMiddleware:
    """Remembers the address while the request lasts; in front of sync and async views."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """The answer, or what to await for it."""
        return self._later(request) if self._is_async else self._now(request)

    def _now(self, request: HttpRequest) -> Any:
        with _known(request):
            return self.get_response(request)

    async def _later(self, request: HttpRequest) -> Any:
        with _known(request):
            return await self.get_response(request)


@contextmanager
def _known(request: HttpRequest) -> Iterator[None]:
    before = _address.set(_told(request))
    try:
        yield
    finally:
        _address.reset(before)


def _told(request: HttpRequest) -> str | None:
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None

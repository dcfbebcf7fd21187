"""From which address the request at hand comes: a middleware sets it, so that services need no request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from ipaddress import ip_address

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

_address: ContextVar[str | None] = ContextVar("request_address", default=None)


def request_address() -> str | None:
    """The address of who asks; None outside of requests, and where the server knows none."""
    return _address.get()


class RequestAddressMiddleware:
    """Remembers the address while the request lasts; in front of sync and async views."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if iscoroutinefunction(self):
            return self._later(request)
        before = _address.set(_told(request))
        try:
            return self.get_response(request)
        finally:
            _address.reset(before)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        before = _address.set(_told(request))
        try:
            answer = self.get_response(request)
            return answer if isinstance(answer, HttpResponseBase) else await answer
        finally:
            _address.reset(before)


def _told(request: HttpRequest) -> str | None:
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None

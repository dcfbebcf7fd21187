"""Answers that are not there yet: a synchronous view gives its thread back while somebody else works for its request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from django.http import HttpRequest, HttpResponse

Result = TypeVar("Result")


class Later(HttpResponse, Generic[Result]):
    """Stands for the answer that `make` gives for the promise's result, while middleware puts its headers on it.

    Only for requests that `waits_for_later`; `make` runs in the event loop and must not wait.
    """

    def __init__(self, request: HttpRequest, promise: Future[Result], make: Callable[[Result], HttpResponse]) -> None:
        super().__init__()
        self.request = request
        self._promise = promise
        self._make = make

    async def answer(self) -> HttpResponse:
        """The answer with this one's headers; what the promise raises, raised."""
        answer = self._make(await asyncio.wrap_future(self._promise))
        answer.headers["Content-Length"] = str(len(answer.content))
        for name, value in self.headers.items():
            answer.headers.setdefault(name, value)
        answer.cookies.update(self.cookies)
        return answer


def note(request: HttpRequest) -> None:
    """Say that who serves the request can wait for an answer that comes later."""
    request.waits_for_later = True  # type: ignore[attr-defined]  # ours


def waits_for_later(request: HttpRequest) -> bool:
    """Whether a view may answer with `Later`; not in front of Django's own handlers, those of tests for one."""
    return getattr(request, "waits_for_later", False)

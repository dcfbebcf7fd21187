"""Answers that come later: they carry what middleware put on their stand-in, and what the promise raises is raised."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from accounts import later


def stand_in(promise: Future[str]) -> later.Later[str]:
    its = later.Later(RequestFactory().get("/"), promise, lambda text: HttpResponse(text, content_type="text/plain"))
    its.headers["X-Frame-Options"] = "DENY"
    its.headers["Content-Length"] = "0"
    return its


def test_it_takes_over_headers_but_those_of_the_content():
    promise: Future[str] = Future()
    promise.set_result("späte Antwort")
    answer = asyncio.run(stand_in(promise).answer())
    assert answer.content.decode() == "späte Antwort"
    assert answer.headers == {"X-Frame-Options": "DENY", "Content-Length": "14", "Content-Type": "text/plain"}


def test_what_the_promise_raises_is_raised():
    promise: Future[str] = Future()
    promise.set_exception(OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        asyncio.run(stand_in(promise).answer())


def test_only_requests_that_are_noted_wait():
    request = RequestFactory().get("/")
    assert not later.waits_for_later(request)
    later.note(request)
    assert later.waits_for_later(request)

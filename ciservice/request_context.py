"""Gives every request a name, which is in its answer and in every line that is logged meanwhile."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bound_contextvars

HEADER = "X-Request-Id"
_NAME = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestContextMiddleware:
    """A proxy's name for the request is kept where it is one, so that its log and ours can be read together."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the name in the header."""
        given = request.headers.get(HEADER, "")
        name = given if _NAME.fullmatch(given) else uuid.uuid4().hex
        with bound_contextvars(request=name):
            response = self._get_response(request)
        response.headers[HEADER] = name
        return response

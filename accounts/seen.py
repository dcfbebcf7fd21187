"""Notes now and then that a session was used: reading a page must not mean writing a row."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from allauth.usersessions.models import UserSession
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

SEEN_AT = "seen_at"
NOTE_EVERY_SECONDS = 600


class SeenMiddleware:
    """Behind the log-in's own; streams pass through, the page they belong to was noted."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if not iscoroutinefunction(self):
            _note(request)
        return self.get_response(request)


def _note(request: HttpRequest) -> None:
    # A request without a cookie of ours has no session: the API's, a hook's, a stranger's.
    if request.session.session_key is None or not request.user.is_authenticated:
        return
    noted = request.session.get(SEEN_AT)  # the log-in begins to note it
    if noted is not None and time.time() - noted >= NOTE_EVERY_SECONDS:
        UserSession.objects.create_from_request(request)
        request.session[SEEN_AT] = int(time.time())

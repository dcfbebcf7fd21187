"""How often a token may ask. Counted in Redis for all web processes together; where it is away, nobody is refused."""

from __future__ import annotations

import time

from django.conf import settings
from django.http import HttpResponse, JsonResponse

from accounts.services.tokens import KnownToken
from builds.logs import live

_SECONDS = 60


class RateLimitError(Exception):
    """Too many requests in this minute."""

    def __init__(self, most: int, seconds_left: int) -> None:
        super().__init__("Rate Limit Exceeded")
        self.most = most
        self.seconds_left = seconds_left


def check_rate(token: KnownToken) -> None:
    """Count a request of `token`; RateLimitError where API_REQUESTS_A_MINUTE were there already. A stream is one request."""
    most: int = settings.API_REQUESTS_A_MINUTE
    if not most:
        return
    minute, second = divmod(int(time.time()), _SECONDS)
    counted = live.count(f"rate:api:{token.pk}:{minute}", _SECONDS)
    if counted is not None and counted > most:
        raise RateLimitError(most, _SECONDS - second)


def refuse(error: RateLimitError) -> HttpResponse:
    """CodeShip's answer; its clients know it by the 403. The headers say when to come again."""
    response = JsonResponse({"errors": [str(error)]}, status=403)
    response.headers["Retry-After"] = str(error.seconds_left)
    response.headers["X-RateLimit-Limit"] = str(error.most)
    response.headers["X-RateLimit-Remaining"] = "0"
    response.headers["X-RateLimit-Reset"] = str(int(time.time()) + error.seconds_left)
    return response

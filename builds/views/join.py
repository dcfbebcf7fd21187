"""Where a machine exchanges its join token for what a runner needs: `ciservice join` asks, over HTTPS, without a log-in."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.services import limits
from builds.services.join import JoinError, join

_MOST_BYTES = 4096
_MOST_TRIES, _TRIES_SECONDS = 10, 300


@csrf_exempt  # a token in the body lets in, and no cookie does
@login_not_required
@never_cache
@require_POST
def runner_join(request: HttpRequest) -> HttpResponse:
    """JSON `{"token", "name"}` -> `{"name", "settings": {variable: value}}`; otherwise `{"errors": [sentence]}`."""
    if urlsplit(settings.PUBLIC_URL).scheme == "https" and not request.is_secure():
        return _refused(403, f"What a runner is told is secret: ask at {settings.PUBLIC_URL}, over HTTPS.")
    asked = _read(request)
    if asked is None:
        return _refused(400, 'Send JSON: {"token": "cij_…", "name": "build-1"}')
    key = f"join {request.META.get('REMOTE_ADDR', '')}"
    if not limits.take(key, _MOST_TRIES, _TRIES_SECONDS):
        return _refused(429, "Too many tries from this address: try again in five minutes.")
    try:
        joined = join(*asked)
    except JoinError as error:
        return _refused(403, str(error))
    limits.give_back(key)
    return JsonResponse({"name": joined.name, "settings": joined.settings})


def _read(request: HttpRequest) -> tuple[str, str] | None:
    try:
        said = json.loads(request.body[: _MOST_BYTES + 1]) if len(request.body) <= _MOST_BYTES else None
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    token, name = said.get("token"), said.get("name")
    return (token, name) if isinstance(token, str) and isinstance(name, str) else None


def _refused(status: int, sentence: str) -> HttpResponse:
    return JsonResponse({"errors": [sentence]}, status=status)

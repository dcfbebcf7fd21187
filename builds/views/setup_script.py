"""The post-receive script for any git server, so that it can be fetched where it is needed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

_SCRIPT = Path(__file__).resolve().parent.parent / "webhooks" / "post-receive"


@cache
def _text() -> str:
    return _SCRIPT.read_text()


@login_not_required  # It holds nothing of anybody, and a git server has no log-in.
@require_safe
def post_receive(request: HttpRequest) -> HttpResponse:
    """The script, as text."""
    return HttpResponse(_text(), content_type="text/plain; charset=utf-8")

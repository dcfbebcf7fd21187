"""A first look at messages without a mail server or a chat: only in an embedded instance."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from builds.views.person import person
from notifications.services import caught


@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """What this instance sent, for its administrators."""
    if not caught.is_there():
        raise Http404
    if not person(request).is_superuser:
        raise PermissionDenied("Only administrators of this instance see what it sent.")
    context = {"catcher": caught.catcher_url(), "mails": caught.mails(), "caught": caught.caught()}
    return render(request, "notifications/sent.html", context)


@csrf_exempt  # a hook knows no tokens but the one in its address
@login_not_required
@require_POST
def catch(request: HttpRequest, catch_token: str) -> HttpResponse:
    """Take what a rule sends here, as a chat would."""
    if not caught.is_there() or not caught.is_ours(catch_token):
        raise Http404
    caught.catch(request.body, request.content_type or "")
    return HttpResponse("ok", content_type="text/plain")

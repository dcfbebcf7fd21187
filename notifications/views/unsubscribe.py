"""Where a mail's own link leads: off the list, without a log-in (RFC 8058). Looking changes nothing."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notifications.addresses import read_unsubscribing
from notifications.services import unsubscribe as service


@csrf_exempt  # mail programs know no tokens; the address itself is the proof
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, signed: str) -> HttpResponse:
    """A page with one button; a POST takes the address off, however often."""
    asked = read_unsubscribing(signed)
    if asked is None:
        raise Http404
    address, project_uuid = asked
    if request.method == "POST":
        service.unsubscribe(address, project_uuid)
    context = {"address": address, "is_digest": not project_uuid, "is_done": request.method == "POST"}
    answer = render(request, "notifications/unsubscribe.html", context)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer

"""The webhook door: verify the raw bytes, read them, have one service take them, answer."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.later import Later, waits_for_later
from builds.addresses import build_url
from builds.models import WebhookDelivery
from builds.models.connection import Provider
from builds.models.delivery import DeliveryOutcome
from builds.services.receive import Incoming, receive, receive_soon, refuse
from builds.webhooks import generic, github
from builds.webhooks.hooked import hooked_project
from builds.webhooks.reading import Unreadable, payload_of, storable
from builds.webhooks.signature import is_signed

BODY_LIMIT = 25 * 1024 * 1024
_HOSTS = {Provider.GITHUB: github, Provider.GENERIC: generic}


@csrf_exempt
@login_not_required
@require_POST
def hook(request: HttpRequest, provider: str, project_uuid: UUID) -> HttpResponse:
    """POST /hooks/<provider>/<project uuid>: the project decides what is verified how, never the payload."""
    body = _body(request)
    if body is None:
        return _error(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A webhook's body may have 25 MiB.")
    project = hooked_project(provider, project_uuid)
    if project is None or provider not in _HOSTS:
        return _error(request, HTTPStatus.NOT_FOUND, "There is no such hook.")
    host = _HOSTS[Provider(provider)]
    event, delivery_id = (_header(request, name) for name in (host.EVENT_HEADER, host.DELIVERY_HEADER))
    if not is_signed(project.hook_secret, body, request.headers.get(host.SIGNATURE_HEADER, "")):
        reason = f"{host.SIGNATURE_HEADER} is missing or not made with this project's hook secret."
        refuse(project, event=event, delivery_id=delivery_id, reason=reason)
        return _error(request, HTTPStatus.FORBIDDEN, reason)
    try:
        incoming = host.read(event, payload_of(body, request.content_type or ""))
    except Unreadable as unreadable:
        refuse(project, event=event, delivery_id=delivery_id, reason=str(unreadable))
        return _error(request, HTTPStatus.BAD_REQUEST, str(unreadable))
    answer = partial(_answer, request, incoming)
    if waits_for_later(request):
        return Later(request, receive_soon(project, incoming, delivery_id=delivery_id), answer)
    return answer(receive(project, incoming, delivery_id=delivery_id))


def _body(request: HttpRequest) -> bytes | None:
    """The raw body; None where it is longer than it may be, whatever its Content-Length says."""
    try:
        body: bytes = request.body
    except RequestDataTooBig:
        return None
    return body if len(body) <= BODY_LIMIT else None


def _header(request: HttpRequest, name: str) -> str:
    return storable(request.headers.get(name, ""))[:200]


def _answer(request: HttpRequest, incoming: Incoming, delivery: WebhookDelivery) -> HttpResponse:
    status = HTTPStatus.OK if incoming.event == "ping" else HTTPStatus.ACCEPTED
    if delivery.build is None:
        return _told(request, status, {"ignored": delivery.reason}, f"nothing to build: {delivery.reason}")
    url = build_url(delivery.project.uuid, delivery.build.number)
    told: dict[str, Any] = {
        "build": {"uuid": str(delivery.build.uuid), "number": delivery.build.number, "url": url},
        "duplicate": delivery.outcome == DeliveryOutcome.DUPLICATE,
    }
    return _told(request, status, told, f"build #{delivery.build.number} {url}")


def _error(request: HttpRequest, status: HTTPStatus, reason: str) -> HttpResponse:
    return _told(request, status, {"errors": [reason]}, f"refused: {reason}")


def _told(request: HttpRequest, status: HTTPStatus, told: dict[str, Any], line: str) -> HttpResponse:
    """JSON, or one line of text for the post-receive script, which prints it to the person who pushed."""
    if request.headers.get("Accept", "").startswith("text/plain"):
        return HttpResponse(f"{line}\n", content_type="text/plain; charset=utf-8", status=status)
    return JsonResponse(told, status=status)

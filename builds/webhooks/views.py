"""The webhook door: verify the raw bytes, read them, have one service take them, answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.later import Later, waits_for_later
from builds.addresses import build_url
from builds.models import Project, WebhookDelivery
from builds.models.connection import Provider
from builds.models.delivery import DeliveryOutcome
from builds.services.hosting import rename
from builds.services.incomings import incomings_of, is_renamed, stranger
from builds.services.receive import Incoming, receive, receive_soon, refuse
from builds.services.told import Told
from builds.webhooks.hooked import hooked_project
from builds.webhooks.hosts import HOSTS, Host
from builds.webhooks.rate import Excess, Limit
from builds.webhooks.reading import Unreadable, payload_of, storable

BODY_LIMIT = 25 * 1024 * 1024
limit = Limit()


@csrf_exempt
@login_not_required
@require_POST
def hook(request: HttpRequest, provider: str, project_uuid: UUID) -> HttpResponse:
    """POST /hooks/<provider>/<project uuid>: the project decides what is verified how, never the payload."""
    body = _body(request)
    if body is None:
        return _error(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A webhook's body may have 25 MiB.")
    project = hooked_project(provider, project_uuid)
    if project is None:
        return _error(request, HTTPStatus.NOT_FOUND, "There is no such hook.")
    host = HOSTS[Provider(provider)]
    wrong = host.check(project.hook_secret, body, request.headers)
    # Two buckets: who cannot sign uses up nothing of those who can.
    if excess := limit.take((project.uuid, bool(wrong)), a_minute=settings.WEBHOOKS_A_MINUTE):
        return _too_many(request, project, host, excess)
    if wrong:
        return _refused(request, project, host, HTTPStatus.FORBIDDEN, wrong)
    try:
        told = host.read(_event(request, host), payload_of(body, request.content_type or ""))
    except Unreadable as unreadable:
        return _refused(request, project, host, HTTPStatus.BAD_REQUEST, str(unreadable))
    if reason := stranger(told, project):
        return _refused(request, project, host, HTTPStatus.FORBIDDEN, reason)
    if is_renamed(told, project):
        rename(project, told.repository_name, *told.clone_urls)
    return _taken(request, project, host, told)


def _taken(request: HttpRequest, project: Project, host: Host, told: Told) -> HttpResponse:
    incomings = incomings_of(told, project)
    delivery_id, answer = _delivery_id(request, host), partial(_answer, request, incomings)
    if waits_for_later(request):
        return Later(request, receive_soon(project, *incomings, delivery_id=delivery_id), answer)
    return answer(receive(project, *incomings, delivery_id=delivery_id))


def _body(request: HttpRequest) -> bytes | None:
    """The raw body; None where it is longer than it may be, whatever its Content-Length says."""
    try:
        body: bytes = request.body
    except RequestDataTooBig:
        return None
    return body if len(body) <= BODY_LIMIT else None


def _event(request: HttpRequest, host: Host) -> str:
    return storable(host.event_of(request.headers))[:200]


def _delivery_id(request: HttpRequest, host: Host) -> str:
    return storable(host.delivery_of(request.headers))[:200]


def _refused(request: HttpRequest, project: Project, host: Host, status: HTTPStatus, reason: str) -> HttpResponse:
    refuse(project, event=_event(request, host), delivery_id=_delivery_id(request, host), reason=reason)
    return _error(request, status, reason)


def _too_many(request: HttpRequest, project: Project, host: Host, excess: Excess) -> HttpResponse:
    a_minute = settings.WEBHOOKS_A_MINUTE
    reason = f"Too many deliveries: {a_minute} a minute are taken, after some rest ten times as many at once."
    if excess.is_first:
        # One row tells of the flood; what is not built now is found at the next look at the branches.
        refuse(project, event=_event(request, host), delivery_id=_delivery_id(request, host), reason=reason)
    response = _error(request, HTTPStatus.TOO_MANY_REQUESTS, reason)
    response["Retry-After"] = str(excess.wait_seconds)
    return response


def _answer(request: HttpRequest, incomings: Sequence[Incoming], deliveries: list[WebhookDelivery]) -> HttpResponse:
    status = HTTPStatus.OK if incomings[0].event == "ping" else HTTPStatus.ACCEPTED
    told = [_what_came_of(delivery) for delivery in deliveries]
    line = "\n".join(words for _, words in told)
    # Bitbucket alone tells of several refs at a time.
    return _told(request, status, told[0][0] if len(told) == 1 else {"changes": [one for one, _ in told]}, line)


def _what_came_of(delivery: WebhookDelivery) -> tuple[dict[str, Any], str]:
    """As JSON, and as a line."""
    if delivery.build is None:
        return {"ignored": delivery.reason}, f"nothing to build: {delivery.reason}"
    url = build_url(delivery.project.uuid, delivery.build.number)
    told = {
        "build": {"uuid": str(delivery.build.uuid), "number": delivery.build.number, "url": url},
        "duplicate": delivery.outcome == DeliveryOutcome.DUPLICATE,
    }
    return told, f"build #{delivery.build.number} {url}"


def _error(request: HttpRequest, status: HTTPStatus, reason: str) -> HttpResponse:
    return _told(request, status, {"errors": [reason]}, f"refused: {reason}")


def _told(request: HttpRequest, status: HTTPStatus, told: dict[str, Any], line: str) -> HttpResponse:
    """JSON, or one line of text for the post-receive script, which prints it to the person who pushed."""
    if request.headers.get("Accept", "").startswith("text/plain"):
        return HttpResponse(f"{line}\n", content_type="text/plain; charset=utf-8", status=status)
    return JsonResponse(told, status=status)

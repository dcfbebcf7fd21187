"""For machines that watch this one: is it up, can it work, and how much there is to do."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from builds.logs import live
from builds.services.measure import registry

_DATABASE_MS = 2000


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. It asks nothing else, so that a database that is away does not get web processes killed."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Database and Redis answer, within seconds; 503 where one does not."""
    parts = {"database": _database_answers(), "redis": live.answers()}
    words = {name: "ok" if answers else "away" for name, answers in parts.items()}
    ready = all(parts.values())
    return JsonResponse({"status": "ok" if ready else "away", **words}, status=200 if ready else 503)


def _database_answers() -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL statement_timeout = %s", [_DATABASE_MS])
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text: for this machine itself, and for whoever has METRICS_TOKEN as a bearer token."""
    if not (_is_from_this_machine(request) or _has_token(request)):
        raise Http404
    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def _is_from_this_machine(request: HttpRequest) -> bool:
    """Whether the peer is this machine; not where a proxy on it speaks for somebody else."""
    if {"X-Forwarded-For", "Forwarded", "X-Real-Ip"} & {name.title() for name in request.headers}:
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _has_token(request: HttpRequest) -> bool:
    wanted = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "")
    return bool(wanted) and constant_time_compare(given, f"Bearer {wanted}")

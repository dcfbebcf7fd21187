"""Finds what ended lately and sends it as spans to OTEL_EXPORTER_OTLP_ENDPOINT, by the outbox: once, in the end."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from builds.models import Build
from builds.outbound.outbox import DeliveryError, handles, put
from ciservice.tracing.spans import Stretch, of_build, of_deployment, of_message, spans
from deployments.models import Deployment
from notifications.models import Message

KIND = "trace"
LOOK_BACK = timedelta(minutes=10)
_MOST = 500
_SECONDS = 10


def find_ended() -> int:
    """Queue what ended in the last minutes and is not queued yet; how many were looked at."""
    since = Now() - LOOK_BACK
    found = [
        *(("build", pk) for pk in Build.objects.filter(finished_at__gt=since).values_list("pk", flat=True)[:_MOST]),
        *(
            ("deployment", pk)
            for pk in Deployment.objects.filter(finished_at__gt=since).values_list("pk", flat=True)[:_MOST]
        ),
        *(("message", pk) for pk in Message.objects.filter(sent_at__gt=since).values_list("pk", flat=True)[:_MOST]),
    ]
    for what, pk in found:
        put(KIND, f"trace:{what}:{pk}", {"what": what, "id": pk})
    return len(found)


@handles(KIND)
def send(payload: dict[str, Any]) -> None:
    """Send the spans of one row; what is gone meanwhile has none."""
    made = _spans_of(payload["what"], payload["id"])
    if made and _exporter().export(made) is not SpanExportResult.SUCCESS:
        raise DeliveryError("The collector of traces did not take them")


def _spans_of(what: str, pk: int) -> list[ReadableSpan]:
    found = {"build": _build, "deployment": _deployment, "message": _message}[what](pk)
    if found is None:
        return []
    build, stretches = found
    resource = Resource({"service.name": "ciservice", "service.version": settings.VERSION})
    return spans(build, iter(stretches), resource)


_Found = tuple[UUID, list[Stretch]] | None


def _build(pk: int) -> _Found:
    builds = Build.objects.select_related("project").defer("plan").prefetch_related("deliveries", "jobs__steps")
    build = builds.filter(pk=pk, finished_at__isnull=False).first()
    return None if build is None else (build.uuid, list(of_build(build)))


def _deployment(pk: int) -> _Found:
    rows = Deployment.objects.select_related("environment", "release__build").defer("release__build__plan")
    row = rows.filter(pk=pk).first()
    if row is None:
        return None
    return row.release.build.uuid, list(of_deployment(row, row.release.build.uuid))


def _message(pk: int) -> _Found:
    """Only those about a build or a deployment have a push to belong to."""
    message = Message.objects.filter(pk=pk).first()
    if message is None:
        return None
    build = Build.objects.filter(uuid=message.about).values_list("uuid", flat=True).first()
    of_release = Deployment.objects.filter(uuid=message.about).values_list("release__build__uuid", flat=True)
    build = build or of_release.first()
    return None if build is None else (build, [of_message(message, build)])


@lru_cache(maxsize=1)
def _exporter() -> OTLPSpanExporter:
    """Reads OTEL_EXPORTER_OTLP_ENDPOINT and _HEADERS itself, as every program with OpenTelemetry does."""
    return OTLPSpanExporter(timeout=_SECONDS)

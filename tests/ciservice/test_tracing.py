"""A push as a trace: webhook, plan, jobs, steps, deployment and message in one tree, sent once, tried again."""

from __future__ import annotations

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from builds.models import Job, OutboxEntry, Step, WebhookDelivery
from builds.outbound.outbox import DeliveryError
from ciservice.tracing import export
from deployments.models import Deployment, Environment, Release
from notifications.models import Channel, Message, Rule


@pytest.fixture
def collector(monkeypatch):
    """What it was sent; its `status` may be changed."""

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if server.status == 200:
                server.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.requests, server.status = [], 200
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    export._exporter.cache_clear()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
    export._exporter().shutdown()
    export._exporter.cache_clear()


@pytest.fixture
def push(make_build, project, organization):
    """A push that was built, deployed and told of."""
    now = timezone.now()
    build = make_build(status="failed", planned_at=now, started_at=now, finished_at=now, reason="unit failed")
    WebhookDelivery.objects.create(
        project=project, provider="github", delivery_id="1", event="push", outcome="built", build=build
    )
    times = {"started_at": now, "finished_at": now + timedelta(seconds=3)}
    job = Job.objects.create(
        build=build, organization=organization, name="test", spec={}, status="failed", attempt=1, **times
    )
    Step.objects.create(job=job, attempt=1, path="0", position=0, name="unit", status="failed", exit_code=2, **times)
    environment = Environment.objects.create(project=project, name="staging")
    release = Release.objects.create(project=project, build=build, number=1, commit=build.commit)
    deployment = Deployment.objects.create(environment=environment, release=release, status="live", finished_at=now)
    rule = Rule.objects.create(project=project, events=["failed"], channel=Channel.EMAIL, target="ann@example.com")
    about = {
        "rule": rule,
        "subject": "s",
        "sentence": "s",
        "details": "d",
        "link": "l",
        "sent_at": now,
        "state": "sent",
    }
    Message.objects.create(event="failed", about=build.uuid, **about)
    Message.objects.create(event="deployed", about=deployment.uuid, **about)
    return build


def spans_of(requests):
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def deliver_all():
    for entry in OutboxEntry.objects.filter(kind=export.KIND):
        export.send(entry.payload)


def test_a_push_is_one_tree(push, collector):
    export.find_ended()
    deliver_all()
    spans = spans_of(collector.requests)
    assert {span.trace_id for span in spans} == {push.uuid.bytes}
    names = {span.span_id: span.name for span in spans}
    tree = {(names.get(span.parent_span_id, ""), span.name) for span in spans}
    root = "shop/api main"
    assert tree == {
        ("", root),
        (root, "webhook github push"),
        (root, "plan"),
        (root, "job test"),
        ("job test", "wait for a runner"),
        ("job test", "step unit"),
        (root, "deploy to staging"),
        (root, "message failed"),
        (root, "message deployed"),
    }
    step = next(span for span in spans if span.name == "step unit")
    assert step.end_time_unix_nano - step.start_time_unix_nano == 3_000_000_000
    assert step.status.code == 2
    assert {attribute.key: attribute.value.int_value for attribute in step.attributes}["process.exit.code"] == 2


def test_what_was_queued_is_not_queued_again(push):
    export.find_ended()
    first = OutboxEntry.objects.filter(kind=export.KIND).count()
    export.find_ended()
    assert OutboxEntry.objects.filter(kind=export.KIND).count() == first == 4


def test_a_collector_that_fails_is_asked_again(push, collector):
    collector.status = 400
    export.find_ended()
    entry = OutboxEntry.objects.filter(kind=export.KIND).first()
    with pytest.raises(DeliveryError, match="did not take them"):
        export.send(entry.payload)
    collector.status = 200
    export.send(entry.payload)
    assert spans_of(collector.requests)


def test_what_is_gone_has_no_trace(push, collector):
    export.send({"what": "message", "id": 0})
    export.send({"what": "build", "id": 0})
    assert collector.requests == []

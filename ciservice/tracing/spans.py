"""Rows -> OpenTelemetry spans. The trace of a push has its build's uuid as its id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from builds.models import Build, Job, Step
from builds.states import BROKEN
from deployments.models import Deployment
from deployments.states import DeploymentStatus
from notifications.models import Message

_SCOPE = InstrumentationScope("ciservice")
_LOST = frozenset({DeploymentStatus.FAILED, DeploymentStatus.UNKNOWN, DeploymentStatus.ROLLED_BACK})

Attributes = Mapping[str, str | int | bool]


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Something that took time; `of` is the id of what it is part of, None = the trace's root."""

    id: str
    of: str | None
    name: str
    start: datetime
    end: datetime
    failed: str = ""  # why; "" = it went well
    attributes: Attributes = field(default_factory=dict)


def of_build(build: Build) -> Iterator[Stretch]:
    """A build that ended, with its webhook, plan, jobs and steps; the root is the build."""
    root = str(build.uuid)
    ended = build.finished_at or build.created_at
    yield Stretch(
        id=root,
        of=None,
        name=f"{build.project.name} {build.branch}",
        start=build.created_at,
        end=ended,
        failed=(build.reason or build.status) if build.status in BROKEN else "",
        attributes={
            "ci.build.number": build.number,
            "ci.build.status": build.status,
            "ci.project": str(build.project.uuid),
            "vcs.ref.head.name": build.branch,
            "vcs.ref.head.revision": build.commit,
        },
    )
    for delivery in build.deliveries.all():
        yield Stretch(
            id=f"delivery {delivery.pk}",
            of=root,
            name=f"webhook {delivery.provider} {delivery.event}",
            start=min(delivery.received_at, build.created_at),
            end=max(delivery.received_at, build.created_at),
        )
    if build.planned_at:
        yield Stretch(id=f"plan {root}", of=root, name="plan", start=build.created_at, end=build.planned_at)
    for job in build.jobs.all():
        yield from _of_job(job, root)


def _of_job(job: Job, root: str) -> Iterator[Stretch]:
    if job.started_at is None or job.finished_at is None:
        return
    yield Stretch(
        id=str(job.uuid),
        of=root,
        name=f"job {job.name}",
        start=min(job.not_before, job.started_at),
        end=job.finished_at,
        failed=(job.reason or job.status) if job.status in BROKEN else "",
        attributes={"ci.job.attempt": job.attempt, "ci.job.runner": job.owner, "ci.job.status": job.status},
    )
    wait = min(job.not_before, job.started_at)
    yield Stretch(id=f"wait {job.uuid}", of=str(job.uuid), name="wait for a runner", start=wait, end=job.started_at)
    for step in job.steps.all():
        if step.started_at and step.finished_at:
            yield _of_step(step, job)


def _of_step(step: Step, job: Job) -> Stretch:
    attributes: dict[str, str | int | bool] = {"ci.step.status": step.status, "ci.step.attempt": step.attempt}
    if step.exit_code is not None:
        attributes["process.exit.code"] = step.exit_code
    return Stretch(
        id=str(step.uuid),
        of=str(job.uuid),
        name=f"step {step.name}",
        start=step.started_at or job.created_at,
        end=step.finished_at or job.created_at,
        failed=(step.reason or step.status) if step.status in BROKEN else "",
        attributes=attributes,
    )


def of_deployment(deployment: Deployment, build: UUID) -> Iterator[Stretch]:
    """A deployment that ended, as part of its release's build."""
    lost = deployment.status in _LOST
    yield Stretch(
        id=str(deployment.uuid),
        of=str(build),
        name=f"deploy to {deployment.environment.name}",
        start=deployment.created_at,
        end=deployment.finished_at or deployment.created_at,
        failed=(deployment.reason or deployment.status) if lost else "",
        attributes={"ci.deployment.status": deployment.status, "ci.release": deployment.release.number},
    )


def of_message(message: Message, build: UUID) -> Stretch:
    """A message that was sent, as part of the build that it is about, itself or by a deployment of its."""
    return Stretch(
        id=str(message.uuid),
        of=str(build),
        name=f"message {message.event}",
        start=message.created_at,
        end=message.sent_at or message.created_at,
    )


def spans(build: UUID, stretches: Iterator[Stretch], resource: Resource) -> list[ReadableSpan]:
    """As OpenTelemetry has them."""
    return [_span(build, stretch, resource) for stretch in stretches]


def _span(build: UUID, stretch: Stretch, resource: Resource) -> ReadableSpan:
    return ReadableSpan(
        name=stretch.name,
        context=_context(build, stretch.id),
        parent=None if stretch.of is None else _context(build, stretch.of),
        resource=resource,
        attributes=dict(stretch.attributes),
        kind=SpanKind.INTERNAL,
        instrumentation_scope=_SCOPE,
        status=Status(StatusCode.ERROR, stretch.failed[:500]) if stretch.failed else Status(StatusCode.OK),
        start_time=_nanoseconds(stretch.start),
        end_time=_nanoseconds(stretch.end),
    )


def _context(build: UUID, name: str) -> SpanContext:
    span_id = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") or 1
    return SpanContext(build.int, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000

"""Messages by the hundred thousand, made in the service's own process and settings: plain values in and out."""

from __future__ import annotations

import statistics
import time
import uuid

from django.db import connection

from builds.models import OutboxEntry, Project
from builds.outbound import lanes
from notifications.models import Channel, Message, Rule
from notifications.services.queue import KIND

_AT_ONCE = 5000


def flood(project: str, count: int, url: str) -> int:
    """Let so many messages wait for one hook. They go as mail does, so that none is given up for being too many."""
    its = Project.objects.get(uuid=project)
    rule = Rule.objects.create(project=its, events=["failed"], channel=Channel.SLACK, target=url)
    owner, lane = f"organization:{its.organization_id}", f"rule:{rule.uuid}"
    for start in range(0, count, _AT_ONCE):
        messages = [
            Message(
                rule=rule,
                project=its,
                channel=Channel.SLACK,
                event="failed",
                about=uuid.uuid4(),
                subject=f"growth main: Failed ({start + n})",
                sentence="Failed",
                details="growth, build 1",
                link="http://127.0.0.1/",
            )
            for n in range(min(_AT_ONCE, count - start))
        ]
        Message.objects.bulk_create(messages)
        OutboxEntry.objects.bulk_create(
            OutboxEntry(kind=KIND, key=f"message:{m.uuid}", payload={"message": str(m.uuid)}, lane=lane, owner=owner)
            for m in messages
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE builds_outboxentry")
    return OutboxEntry.objects.filter(state="pending").count()


def look() -> dict[str, float]:
    """Milliseconds of one look at what is due, and what the outbox weighs."""
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        lanes.due_lanes(200)
        taken.append((time.perf_counter() - began) * 1000)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_total_relation_size('builds_outboxentry') + pg_total_relation_size('notifications_message')"
        )
        size = cursor.fetchone()[0]
    return {"milliseconds": statistics.median(taken), "bytes": float(size), "pending": _pending()}


def _pending() -> float:
    return float(OutboxEntry.objects.filter(state="pending").count())

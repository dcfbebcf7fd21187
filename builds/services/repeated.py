"""Which deliveries of webhooks repeat an earlier one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from builds.models import WebhookDelivery
from builds.models.delivery import MISSED, DeliveryOutcome

_SAME_PUSH_WINDOW = timedelta(minutes=10)
_PUSHES_LOOKED_AT = 200
_ASKED_AT_ONCE = 500  # a statement has room for so many values only

# Two questions that an index answers each; an OR over rows of both would be a scan.
_KNOWN = """
SELECT asked.column1 FROM (VALUES {rows}) asked
WHERE EXISTS (
    SELECT 1 FROM builds_webhookdelivery d WHERE d.outcome IN ('built', 'ignored')
    AND d.project_id = asked.column2 AND d.provider = asked.column3 AND d.delivery_id = asked.column4
) OR asked.column6 <> '' AND EXISTS (
    SELECT 1 FROM builds_webhookdelivery d WHERE d.outcome IN ('built', 'ignored')
    AND d.project_id = asked.column2 AND d.after = asked.column6 AND (d.before = asked.column5 OR d.event = 'missed push')
)"""


def doubtful(deliveries: Sequence[WebhookDelivery], also: Collection[int] = ()) -> set[int]:
    """Places of those that may repeat one before them, written or among these: `earlier` tells. Nearly always none.

    What follows a doubtful one in its project is doubtful, too, so that they are judged in their order; the caller knows
    of some `also`.
    """
    places, seen, projects = _known(deliveries).union(also), set[tuple[object, ...]](), set[int]()
    for place, one in enumerate(deliveries):
        names = {("id", one.project_id, one.provider, one.delivery_id)}
        if one.after:
            names.add(("push", one.project_id, one.before, one.after))
        if place in places or names & seen or one.project_id in projects:
            places.add(place)
            projects.add(one.project_id)
        seen |= names
    return places


def _known(deliveries: Sequence[WebhookDelivery]) -> set[int]:
    asked = [
        (place, one.project_id, one.provider, one.delivery_id, one.before, one.after)
        for place, one in enumerate(deliveries)
    ]
    found: set[int] = set()
    with connection.cursor() as cursor:
        for first in range(0, len(asked), _ASKED_AT_ONCE):
            part = asked[first : first + _ASKED_AT_ONCE]
            rows = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(part))
            cursor.execute(_KNOWN.format(rows=rows), [value for row in part for value in row])
            found.update(place for (place,) in cursor.fetchall())
    return found


def earlier(delivery: WebhookDelivery) -> WebhookDelivery | None:
    """The delivery that this one repeats: by its id, or the same push told twice within some minutes (two hooks)."""
    done = WebhookDelivery.objects.filter(
        project=delivery.project_id, outcome__in=[DeliveryOutcome.BUILT, DeliveryOutcome.IGNORED]
    )
    same_id = Q(provider=delivery.provider, delivery_id=delivery.delivery_id)
    same = done.filter(same_id).first()
    if same is not None or not delivery.after:
        return same
    lately = done.filter(received_at__gt=timezone.now() - _SAME_PUSH_WINDOW, ref=delivery.ref)
    pushes = lately.exclude(after="").order_by("-pk")[:_PUSHES_LOOKED_AT]
    return _same_push(list(reversed(pushes)), delivery) or _found_by_us(done, delivery)


def _found_by_us(done: QuerySet[WebhookDelivery], delivery: WebhookDelivery) -> WebhookDelivery | None:
    """The missed push that this one tells of, late, where the branch did not move since."""
    newest = done.filter(ref=delivery.ref).order_by("-pk").first()
    return newest if newest and (newest.event, newest.after) == (MISSED, delivery.after) else None


def _same_push(pushes: list[WebhookDelivery], delivery: WebhookDelivery) -> WebhookDelivery | None:
    """The push among earlier ones of its ref that this one repeats; one that moved back in between may come again."""
    found = None
    for push in pushes:
        if (push.before, push.after) == (delivery.before, delivery.after):
            found = push
        elif push.after == delivery.before or not delivery.before:
            found = None
    return found

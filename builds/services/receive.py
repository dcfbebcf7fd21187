"""Take a webhook's delivery: note it, and make the build that it asks for, once however often it comes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from builds.models import Project, WebhookDelivery
from builds.models.delivery import DeliveryOutcome
from builds.services.trigger import BuildRequest, trigger

_SAME_PUSH_WINDOW = timedelta(minutes=10)
_PUSHES_LOOKED_AT = 200
_REFUSALS_KEPT_AN_HOUR = 60


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A delivery, verified and read: what it asks for, or the sentence that says why nothing is built."""

    event: str
    request: BuildRequest | None = None
    reason: str = ""
    ref: str = ""
    before: str = ""  # "" = the sender did not say
    after: str = ""


def receive(project: Project, incoming: Incoming, *, delivery_id: str = "") -> WebhookDelivery:
    """Note the delivery with what came of it; a duplicate carries the build of the one before it.

    `delivery_id` is the sender's; "" = it gave none.
    """
    delivery = WebhookDelivery(
        project=project,
        provider=project.provider,
        delivery_id=delivery_id[:200] or uuid.uuid4().hex,
        event=incoming.event[:60],
        ref=incoming.ref[:300],
        before=incoming.before,
        after=incoming.after,
    )
    with transaction.atomic():
        # One delivery of a project at a time, so that of twenty equal ones nineteen see the first.
        Project.objects.select_for_update(no_key=True).values_list("pk").get(pk=project.pk)
        _decide(delivery, incoming.request, incoming.reason)
        delivery.save()
    return delivery


def _decide(delivery: WebhookDelivery, request: BuildRequest | None, reason: str) -> None:
    """Fill in what comes of the delivery, and make its build."""
    if earlier := _earlier(delivery):
        delivery.outcome, delivery.build = DeliveryOutcome.DUPLICATE, earlier.build
        delivery.reason = earlier.reason or "Told before."
    elif request is None:
        delivery.outcome, delivery.reason = DeliveryOutcome.IGNORED, reason
    else:
        delivery.outcome = DeliveryOutcome.BUILT
        delivery.build = trigger(delivery.project, request, who=f"webhook ({delivery.provider})")


def refuse(project: Project, *, event: str, delivery_id: str, reason: str) -> None:
    """Note a delivery that was not let in; a flood of them leaves no more than a screenful of rows an hour."""
    lately = WebhookDelivery.objects.filter(
        project=project, outcome=DeliveryOutcome.REFUSED, received_at__gt=timezone.now() - timedelta(hours=1)
    )
    if len(lately.values_list("pk")[:_REFUSALS_KEPT_AN_HOUR]) >= _REFUSALS_KEPT_AN_HOUR:
        return
    WebhookDelivery.objects.create(
        project=project,
        provider=project.provider,
        delivery_id=delivery_id[:200],
        event=event[:60],
        outcome=DeliveryOutcome.REFUSED,
        reason=reason,
    )


def _earlier(delivery: WebhookDelivery) -> WebhookDelivery | None:
    """The delivery that this one repeats: by its id, or the same push told twice within some minutes (two hooks)."""
    done = WebhookDelivery.objects.filter(
        project=delivery.project, outcome__in=[DeliveryOutcome.BUILT, DeliveryOutcome.IGNORED]
    )
    same_id = Q(provider=delivery.provider, delivery_id=delivery.delivery_id)
    if not done.filter(same_id | Q(before=delivery.before, after=delivery.after)).exists():
        return None  # nearly always, and quickly: both have an index
    same = done.filter(same_id).first()
    if same is not None or not delivery.after:
        return same
    lately = done.filter(received_at__gt=timezone.now() - _SAME_PUSH_WINDOW, ref=delivery.ref)
    pushes = lately.exclude(after="").order_by("-pk")[:_PUSHES_LOOKED_AT]
    return _same_push(list(reversed(pushes)), delivery)


def _same_push(pushes: list[WebhookDelivery], delivery: WebhookDelivery) -> WebhookDelivery | None:
    """The push among earlier ones of its ref that this one repeats; one that moved back in between may come again."""
    found = None
    for push in pushes:
        if (push.before, push.after) == (delivery.before, delivery.after):
            found = push
        elif push.after == delivery.before or not delivery.before:
            found = None
    return found

"""Forget what has served: deliveries and sent entries after some weeks, runners gone, builds nobody approved."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from builds.models import OutboxEntry, Runner, WebhookDelivery
from builds.models.outbox import OutboxState
from builds.services.approve import expire_unapproved
from builds.services.prune_builds import prune_builds
from builds.services.prune_files import prune_files

_DELIVERY_DAYS = 30
_SENT_DAYS = 14
_RUNNER_DAYS = 1
_AT_ONCE = 1000


def prune() -> int:
    """Delete what is past its time, at most a thousand rows of each kind a call, and cancel builds that waited too long
    for a person; returns how many rows went.
    """
    old_deliveries = WebhookDelivery.objects.filter(received_at__lt=Now() - timedelta(days=_DELIVERY_DAYS))
    sent = Q(state=OutboxState.SENT, sent_at__lt=Now() - timedelta(days=_SENT_DAYS))
    gone = prune_files() + prune_builds()
    for rows in (
        old_deliveries,
        OutboxEntry.objects.filter(sent),
        # One that was paused or revoked is kept until somebody forgets it: it could come back and know nothing of it.
        Runner.objects.filter(seen_at__lt=Now() - timedelta(days=_RUNNER_DAYS), paused_at=None, revoked_at=None),
    ):
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE])
        gone += rows.model._base_manager.filter(pk__in=ids).delete()[0]
    expire_unapproved()
    return gone

"""Forget old messages: what was sent after a month, what did not arrive after three."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from notifications.models import Message, MessageState

SENT_DAYS, DEAD_DAYS = 30, 90
_AT_ONCE = 5000


def prune_messages() -> int:
    """How many went; the rest goes the next time."""
    now, gone = timezone.now(), 0
    for days, states in (
        (SENT_DAYS, (MessageState.SENT, MessageState.DROPPED)),
        (DEAD_DAYS, (MessageState.DEAD, MessageState.PENDING)),
    ):
        old = Message.objects.filter(created_at__lt=now - timedelta(days=days), state__in=states)
        keys = list(old.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE])
        gone += Message.objects.filter(pk__in=keys).delete()[0] if keys else 0
    return gone

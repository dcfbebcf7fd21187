"""Deliver one message: what the outbox calls, and what becomes of the message's row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from builds.outbound.outbox import DeliveryError, handles
from notifications.channels import email, slack
from notifications.models import Channel, Message, MessageState
from notifications.services.notify import KIND

_CHANNELS: dict[str, Callable[[Message], None]] = {Channel.EMAIL: email.send, Channel.SLACK: slack.send}


def gave_up(payload: dict[str, Any], error: str) -> None:
    """The outbox tries no more: people see it."""
    _pending(payload).update(state=MessageState.DEAD, error=error)


@handles(KIND, gave_up=gave_up)
def deliver(payload: dict[str, Any]) -> None:
    """Send the message `payload` names, unless it is gone, sent, or its rule was switched off since."""
    message = _pending(payload).select_related("rule__project").first()
    if message is None:
        return
    if not message.rule.enabled and message.event != "test":
        _pending(payload).update(state=MessageState.DROPPED, error="The rule was switched off before it was sent")
        return
    try:
        _CHANNELS[message.rule.channel](message)
    except DeliveryError as error:
        _pending(payload).update(error=str(error))
        raise
    _pending(payload).update(state=MessageState.SENT, sent_at=timezone.now(), error="")


def _pending(payload: dict[str, Any]) -> Any:
    return Message.objects.filter(uuid=payload["message"], state=MessageState.PENDING)

"""Where a rule's message goes."""

from __future__ import annotations

from builds.outbound.errors import DeliveryError
from notifications.models import Message


def target_of(message: Message) -> str:
    """The address of the rule's hook, a secret."""
    if message.rule is None:
        raise DeliveryError("The rule is gone", permanent=True)
    return str(message.rule.target)

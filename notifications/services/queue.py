"""Hand a message to the outbox: in which lane, and for whom."""

from __future__ import annotations

from builds.outbound.outbox import put
from notifications.models import Channel, Message

KIND = "notification"  # to people: each of them matters
HOOK = "notification-hook"  # to a rule's target, where the newest matter most
MOST_WAITING = 1000


def queue(message: Message) -> None:
    """In the caller's transaction; a message that is sent again goes under another key."""
    again = f":again:{message.sent_again}" if message.sent_again else ""
    put(
        HOOK if _is_to_a_hook(message) else KIND,
        f"message:{message.uuid}{again}",
        {"message": str(message.uuid)},
        lane=_lane(message)[:200],
        owner=_owner(message),
    )


def _lane(message: Message) -> str:
    if message.channel == Channel.EMAIL:
        return f"email:{message.recipient.rpartition('@')[2]}"
    if message.channel == Channel.PUSH:
        return f"push:{message.recipient}"
    return f"rule:{message.rule.uuid if message.rule else ''}"


def _owner(message: Message) -> str:
    """Mail goes through a server of ours; whatever else is asked for by somebody."""
    if message.channel == Channel.EMAIL or message.project is None:
        return ""
    if message.channel == Channel.PUSH:
        return f"user:{message.person_id}"
    return f"organization:{message.project.organization_id}"


def _is_to_a_hook(message: Message) -> bool:
    return message.channel not in {Channel.EMAIL, Channel.PUSH}

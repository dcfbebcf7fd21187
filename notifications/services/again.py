"""What people do about messages that did not arrive: send them again, or let them be."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.services.audit import record
from builds.models import OutboxEntry, OutboxLane
from builds.models.outbox import OutboxState
from notifications.models import Channel, Message, MessageState
from notifications.services.queue import queue

_DONE = (MessageState.SENT, MessageState.DEAD)
MOST_AT_ONCE = 200


def send_again(message: Message) -> bool:
    """Queue it once more, under its own delivery id; False where it is still on its way, or nobody may have it."""
    with transaction.atomic():
        held = Message.objects.select_for_update(of=("self",), no_key=True).select_related("rule", "project")
        row = held.filter(pk=message.pk, state__in=_DONE).first()
        if row is None or (row.state == MessageState.SENT and row.channel != Channel.WEBHOOK):
            return False
        row.state, row.error, row.sent_again = MessageState.PENDING, "", row.sent_again + 1
        row.save(update_fields=["state", "error", "sent_again"])
        queue(row)
        _wake(row)
    return True


def drop(messages: QuerySet[Message], *, user: User) -> int:
    """Let dead ones be; how many."""
    with transaction.atomic():
        dead = list(messages.filter(state=MessageState.DEAD).select_related("project__organization")[:MOST_AT_ONCE])
        for message in dead:
            Message.objects.filter(pk=message.pk).update(state=MessageState.DROPPED, error=f"{message.error} (let be)")
        if dead and dead[0].project:
            record(
                "messages.dropped",
                f"{len(dead)} messages",
                user=user,
                organization=dead[0].project.organization,
                details={"count": len(dead)},
            )
    return len(dead)


def _wake(message: Message) -> None:
    """Whoever presses the button has mended something: the receiver need not rest any longer."""
    lanes = OutboxEntry.objects.filter(payload__message=str(message.uuid), state=OutboxState.PENDING).values("lane")
    OutboxLane.objects.filter(name__in=lanes, failures__gt=0).update(failures=0, rests_until=None)

"""Deliver one message: what the outbox calls, and what becomes of the message's row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from builds.outbound.client import Answer
from builds.outbound.outbox import DeliveryError, handles
from notifications.channels import apprise, discord, email, mattermost, push, slack, teams, webhook
from notifications.models import Channel, Event, Message, MessageState
from notifications.services.people import sees
from notifications.services.queue import HOOK, KIND, MOST_WAITING

# Each returns the receiver's answer, where it has a status; whether that is good is judged here.
_CHANNELS: dict[str, Callable[[Message], Answer | None]] = {
    Channel.EMAIL: email.send,
    Channel.SLACK: slack.send,
    Channel.DISCORD: discord.send,
    Channel.TEAMS: teams.send,
    Channel.MATTERMOST: mattermost.send,
    Channel.WEBHOOK: webhook.send,
    Channel.APPRISE: apprise.send,
    Channel.PUSH: push.send,
}
_BUSY = {408, 425, 429}


def gave_up(payload: dict[str, Any], error: str) -> None:
    """The outbox tries no more: people see it."""
    _pending(payload).update(state=MessageState.DEAD, error=error)


@handles(HOOK, gave_up=gave_up, most_waiting=MOST_WAITING)
@handles(KIND, gave_up=gave_up)
def deliver(payload: dict[str, Any]) -> None:
    """Send the message `payload` names, unless it is gone, sent, or nobody is to have it any more."""
    rows = _pending(payload).select_related("rule__project__organization", "project__organization", "person", "build")
    message = rows.defer("build__plan").first()
    if message is None:
        return
    if why := _dropped(message):
        _pending(payload).update(state=MessageState.DROPPED, error=why)
        return
    try:
        answer = _CHANNELS[message.channel or message.rule.channel](message)
        _note(message, answer)
        check(answer)
    except DeliveryError as error:
        _pending(payload).update(error=str(error))
        raise
    _pending(payload).update(state=MessageState.SENT, sent_at=timezone.now(), error="")


def check(answer: Answer | None) -> None:
    """DeliveryError unless the receiver took it."""
    if answer is None or 200 <= answer.status < 300:
        return
    if 300 <= answer.status < 400:
        raise DeliveryError("The hook answered with a redirect, which is not followed", permanent=True)
    permanent = 400 <= answer.status < 500 and answer.status not in _BUSY
    raise DeliveryError(f"The hook answered with {answer.status}", permanent=permanent)


def _note(message: Message, answer: Answer | None) -> None:
    if answer is not None:
        Message.objects.filter(pk=message.pk).update(answered=answer.status, milliseconds=answer.milliseconds)


def _dropped(message: Message) -> str:
    """Why it is not sent after all; "" where it is."""
    if message.event == Event.TEST:
        return ""
    if message.rule is not None and not message.rule.enabled:
        return "The rule was switched off before it was sent"
    project = message.project or (message.rule.project if message.rule else None)
    if message.person is not None and project is not None and not sees(message.person, project):
        return f"{message.person.email} does not see the project any more"
    return ""


def _pending(payload: dict[str, Any]) -> Any:
    return Message.objects.filter(uuid=payload["message"], state=MessageState.PENDING)

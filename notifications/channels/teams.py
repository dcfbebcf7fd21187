"""Microsoft Teams, by the webhook of a workflow: an adaptive card. Text runs are shown as they are: no Markdown."""

from __future__ import annotations

from typing import Any

from builds.outbound import client
from builds.outbound.client import Answer
from notifications.channels.target import target_of
from notifications.models import Event, Message

_GOOD = {Event.PASSED, Event.RECOVERED, Event.DEPLOYED, Event.HEALTHY}
_BAD = {Event.FAILED, Event.DEPLOY_FAILED, Event.ROLLED_BACK, Event.UNHEALTHY, Event.HOSTING}


def send(message: Message) -> Answer:
    """POST the message to the rule's hook."""
    return client.post(target_of(message), json=payload(message))


def payload(message: Message) -> dict[str, Any]:
    """The body as JSON."""
    body = [_text(message.subject, weight="Bolder", color=_colour(message)), _text(message.details)]
    if message.excerpt:
        body.append(_text(message.excerpt[-4000:], fontType="Monospace"))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "Look at it", "url": message.link}],
    }
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }


def _text(text: str, **style: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def _colour(message: Message) -> str:
    if message.event in _GOOD:
        return "Good"
    return "Attention" if message.event in _BAD else "Default"

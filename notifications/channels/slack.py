"""A Slack-compatible incoming webhook (Slack, Mattermost, Rocket.Chat and others)."""

from __future__ import annotations

from typing import Any

from builds.outbound import client
from builds.outbound.client import Answer
from builds.outbound.errors import DeliveryError
from notifications.channels.colours import colour_of
from notifications.models import Message

_BUSY = {408, 425, 429}


def send(message: Message) -> None:
    """POST the message to the rule's hook."""
    check(client.post(message.rule.target, json=payload(message)))


def check(answer: Answer) -> None:
    """DeliveryError unless the receiver took it."""
    if 200 <= answer.status < 300:
        return
    if 300 <= answer.status < 400:
        raise DeliveryError("The hook answered with a redirect, which is not followed", permanent=True)
    permanent = 400 <= answer.status < 500 and answer.status not in _BUSY
    raise DeliveryError(f"The hook answered with {answer.status}", permanent=permanent)


def payload(message: Message) -> dict[str, Any]:
    """The body as JSON."""
    excerpt = message.excerpt.replace("```", "'''")[-2500:]
    text = f"{escaped(message.details)}\n```{_entities(excerpt)}```" if excerpt else escaped(message.details)
    return {
        "text": f"{escaped(message.subject)} (<{message.link}|look>)",
        "attachments": [
            {
                "color": colour_of(message),
                "fallback": escaped(message.subject),
                "text": text,
                "mrkdwn_in": ["text"],
            }
        ],
    }


def escaped(text: str) -> str:
    """`text` with nothing in it that a chat takes for a mention, a link or code; a zero-width space takes the edge off."""
    plain = text.replace("`", "'").replace("@", "@\u200b").replace("](", "]\u200b(").replace("://", ":\u200b//")
    return _entities(plain)


def _entities(text: str) -> str:
    # Slack's own three: without `<` there is no <!channel>, no <@user> and no <link>.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

"""Slack's incoming webhook, and what is like it (Rocket.Chat and others)."""

from __future__ import annotations

from typing import Any

from builds.outbound import client
from builds.outbound.client import Answer
from notifications.channels.colours import colour_of
from notifications.channels.plain import fenced, neutral
from notifications.channels.target import target_of
from notifications.models import Message


def send(message: Message) -> Answer:
    """POST the message to the rule's hook."""
    return client.post(target_of(message), json=payload(message))


def payload(message: Message) -> dict[str, Any]:
    """The body as JSON."""
    block = _entities(fenced(message.excerpt, 2500))
    text = f"{escaped(message.details)}\n{block}" if block else escaped(message.details)
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
    """`text` with nothing in it that Slack takes for more than text."""
    return _entities(neutral(text))


def _entities(text: str) -> str:
    # Slack's own three: without `<` there is no <!channel>, no <@user> and no <link>.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

"""Mattermost's incoming webhook: Slack's form with Markdown in it."""

from __future__ import annotations

from typing import Any

from builds.outbound import client
from builds.outbound.client import Answer
from notifications.channels.colours import colour_of
from notifications.channels.plain import fenced, markdown
from notifications.channels.target import target_of
from notifications.models import Message


def send(message: Message) -> Answer:
    """POST the message to the rule's hook."""
    return client.post(target_of(message), json=payload(message))


def payload(message: Message) -> dict[str, Any]:
    """The body as JSON."""
    parts = [markdown(message.details).replace("\n", "  \n"), fenced(message.excerpt, 2500)]
    attachment = {
        "color": colour_of(message),
        "fallback": message.subject,
        "title": markdown(message.subject),
        "title_link": message.link,
        "text": "\n".join(part for part in parts if part),
    }
    return {"attachments": [attachment]}

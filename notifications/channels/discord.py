"""Discord's webhook: one embed, and nobody is mentioned."""

from __future__ import annotations

from typing import Any

from builds.outbound import client
from builds.outbound.client import Answer
from notifications.channels.colours import colour_of
from notifications.channels.plain import fenced, markdown
from notifications.channels.target import target_of
from notifications.models import Message
from notifications.services.texts import shortened

TITLE, DESCRIPTION = 256, 4096


def send(message: Message) -> Answer:
    """POST the message to the rule's hook."""
    return client.post(target_of(message), json=payload(message))


def payload(message: Message) -> dict[str, Any]:
    """The body as JSON."""
    details = shortened(markdown(message.details), 1500)
    text = "\n".join(part for part in (details, fenced(message.excerpt, 2000)) if part)
    embed = {
        "title": shortened(markdown(message.subject), TITLE),
        "description": text[:DESCRIPTION],
        "url": message.link,
        "color": int(colour_of(message)[1:], 16),
    }
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}

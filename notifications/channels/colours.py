"""What colour a message has where it can have one: the light ones of the pages."""

from __future__ import annotations

from notifications.models import Event, Message

_GOOD, _BAD, _BUSY, _OTHER = "#17794a", "#c0271f", "#8a6100", "#5d6671"
_COLOURS: dict[str, str] = {
    Event.PASSED: _GOOD,
    Event.RECOVERED: _GOOD,
    Event.DEPLOYED: _GOOD,
    Event.HEALTHY: _GOOD,
    Event.FAILED: _BAD,
    Event.DEPLOY_FAILED: _BAD,
    Event.ROLLED_BACK: _BAD,
    Event.UNHEALTHY: _BAD,
    Event.STARTED: _BUSY,
    Event.APPROVAL: _BUSY,
    Event.HELD: _BUSY,
    Event.BUDGET: _BUSY,
    Event.HOSTING: _BAD,
}


def colour_of(message: Message) -> str:
    """As #rrggbb."""
    return _COLOURS.get(message.event, _OTHER)

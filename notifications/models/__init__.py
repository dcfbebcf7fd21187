"""Rules, messages, and what people wish, as rows."""

from notifications.models.message import Message, MessageState
from notifications.models.rule import RULE_CHANNELS, RULE_EVENTS, Channel, Event, Rule
from notifications.models.wish import Browser, InstanceKey, Level, ProjectWish, Refusal, Wish

__all__ = [
    "RULE_CHANNELS",
    "RULE_EVENTS",
    "Browser",
    "Channel",
    "Event",
    "InstanceKey",
    "Level",
    "Message",
    "MessageState",
    "ProjectWish",
    "Refusal",
    "Rule",
    "Wish",
]

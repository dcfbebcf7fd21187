"""Whom an e-mail goes to."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from accounts.models import User
from notifications.models import Channel, Message, Rule
from notifications.services.happening import Happening
from notifications.services.texts import one_line

COMMITTER = "committer"
# An address in a commit is what somebody typed: it must not make us write to strangers without end.
MOST_AN_HOUR = 60


class NobodyError(Exception):
    """There is nobody to send it to; the text says why."""


def recipient_of(rule: Rule, happening: Happening) -> str:
    """The address for a rule's e-mail; "" for other channels, which know their target; NobodyError where there is none."""
    if rule.channel != Channel.EMAIL:
        return ""
    if rule.target != COMMITTER:
        return str(rule.target)
    address = happening.committer.strip().lower()
    if not is_address(address):
        raise NobodyError(
            f"The commit's author has no address to write to: {one_line(happening.committer, 100) or 'none'}"
        )
    if address.endswith("noreply.github.com") or address.startswith(("noreply@", "no-reply@")):
        raise NobodyError(f"The commit's author takes no mail: {address}")
    if not _is_member(rule, address):
        _check_stranger(address, happening)
    return address


def is_address(text: str) -> bool:
    """Whether it is one plain e-mail address."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254 and text.isascii() and text.isprintable() and not set(text) & set(' ,;<>"')


def _is_member(rule: Rule, address: str) -> bool:
    return User.objects.filter(organizations=rule.project.organization_id, email=address).exists()


def _check_stranger(address: str, happening: Happening) -> None:
    if not happening.is_trusted:
        raise NobodyError(f"The commit is from a fork, and {address} is no member of the organisation")
    lately = Message.objects.filter(recipient=address, created_at__gt=timezone.now() - timedelta(hours=1))
    if lately.count() >= MOST_AN_HOUR:
        raise NobodyError(f"{address} is no member of the organisation and got {MOST_AN_HOUR} messages within an hour")

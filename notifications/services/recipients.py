"""Whom an e-mail goes to."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from accounts.models import User
from notifications.models import Channel, Message, Rule
from notifications.services.happening import Happening
from notifications.services.texts import one_line

COMMITTER = "committer"
APPROVERS = "approvers"  # a message to each
MOST_APPROVERS = 50
# An address in a commit is what somebody typed: it must not make us write to strangers without end.
MOST_AN_HOUR = 60


class NobodyError(Exception):
    """There is nobody to send it to; the text says why."""


def recipient_of(rule: Rule, happening: Happening) -> str:
    """The address for a rule's e-mail; "" for other channels, which know their target; NobodyError where there is none."""
    if rule.channel != Channel.EMAIL:
        return ""
    if rule.target not in {COMMITTER, APPROVERS}:
        return str(rule.target)
    if rule.target == APPROVERS and not happening.committer:
        raise NobodyError("Nobody of the organisation may approve it")
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


def each_for(rule: Rule, happening: Happening) -> list[Happening]:
    """The happening as it is told to each whom the rule means: approvers may be several."""
    if rule.channel != Channel.EMAIL or rule.target != APPROVERS:
        return [happening]
    people = happening.approvers()[:MOST_APPROVERS]
    told = [
        replace(happening, about=uuid.uuid5(happening.about, address), committer=address, is_trusted=True)
        for address in people
    ]
    return told or [replace(happening, committer="")]


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

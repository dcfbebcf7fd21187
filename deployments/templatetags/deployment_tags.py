"""Template tags of this app's pages: moments to come, and where a stage stands."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from builds import words
from deployments.views.words import clock_words

register = template.Library()


@register.simple_tag
def left(moment: datetime | None) -> SafeString | str:
    """How long until then; scripts count it down."""
    if moment is None:
        return ""
    said = words.duration(max((moment - timezone.now()).total_seconds(), 0))
    return format_html('<time datetime="{}" data-left>{}</time>', moment.isoformat(), said)


@register.simple_tag
def moment(at: datetime | None, zone: str = "UTC") -> SafeString | str:
    """A moment on the clock of `zone`; scripts add what that is where the reader sits."""
    if at is None:
        return ""
    said = clock_words(at, zone, timezone.now())
    return format_html('<time datetime="{}" data-moment="{}">{}</time>', at.isoformat(), zone, said)


@register.simple_tag
def clock(at: datetime, zone: str) -> SafeString:
    """The same in few letters, for rows; whose clock that is shows on hover."""
    said = clock_words(at, zone, timezone.now())
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), said, said.rpartition(" ")[0])


@register.filter
def milliseconds(value: int | None) -> str:
    """How long an answer took."""
    return "" if value is None else f"{value} ms" if value < 1000 else f"{value / 1000:.1f} s"


@register.filter
def share(percent: float) -> str:
    """A share as it is written in the configuration."""
    return f"{percent:g} %"

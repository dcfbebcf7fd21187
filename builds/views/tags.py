"""Template tags and filters of the pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from builds import words
from builds.addresses import hook_url
from builds.models import Build, Project
from builds.views import bars as drawing

register = template.Library()
register.filter("duration", words.duration)
register.filter("shape", words.shape)


@register.simple_tag
def state(status: str, of: str = "Build") -> SafeString:
    """The shape of a state, with its name for those who do not see it."""
    said = str(status).replace("_", " ") or "none yet"
    return format_html(
        '<span class="state state-{0}" role="img" aria-label="{1} state: {2}" title="{2}">'
        '<svg aria-hidden="true"><use href="#i-{0}"/></svg></span>',
        words.shape(status),
        of,
        said,
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """One of our drawings, for the eye only."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
def bars(project: Project, builds: Sequence[Build]) -> SafeString:
    """The bars of the last builds."""
    return drawing.bars(project, builds)


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    """How long ago, with the exact time on hover; scripts keep it true."""
    if moment is None:
        return ""
    said = words.ago_words((timezone.now() - moment).total_seconds())
    exact = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    return format_html('<time datetime="{}" title="{}" data-ago>{}</time>', moment.isoformat(), exact, said)


@register.simple_tag
def running_for(start: datetime | None, end: datetime | None = None) -> SafeString | str:
    """The time between two moments; without an end it goes on, and scripts keep it true."""
    if start is None:
        return ""
    if end is not None:
        return words.duration(end - start)
    said = words.duration(timezone.now() - start)
    return format_html('<time datetime="{}" data-since>{}</time>', start.isoformat(), said)


@register.filter
def short(commit: str) -> str:
    """The first seven digits of a commit."""
    return commit[:7]


@register.filter
def first_line(text: str) -> str:
    """The first line of a commit's message."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


@register.filter
def initial(person: Any) -> str:
    """The letter that stands for a person."""
    return (str(person)[:1] or "?").upper()


@register.simple_tag
def favicon(status: str) -> str:
    """The little picture in the tab."""
    return static(f"ciservice/favicon-{words.shape(status)}.svg")


@register.simple_tag
def favicons() -> SafeString:
    """Where each state's picture is, as attributes: scripts change it with the state."""
    pictures = [(name, static(f"ciservice/favicon-{name}.svg")) for name in words.DRAWN]
    return format_html_join(" ", 'data-{}="{}"', pictures)


@register.simple_tag
def hook_address(project: Project) -> str:
    """Where the project's git host sends its webhooks."""
    return hook_url(project.provider, project.uuid)


@register.filter
def unix_ms(moment: datetime) -> int:
    """A moment as scripts count: milliseconds since 1970."""
    return int(moment.timestamp() * 1000)

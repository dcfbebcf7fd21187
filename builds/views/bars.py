"""The bars of the last builds, as an SVG: height is the time taken, colour the result, each a link."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from builds.addresses import build_paths
from builds.models import Build, Project
from builds.services.verdict import time_taken
from builds.words import duration, shape

BARS = 30

_HEIGHT = 24
_STEP = 6
_LEAST = 3


def bars(project: Project, builds: Sequence[Build]) -> SafeString:
    """`builds` newest first, drawn oldest first and flush right, so that the newest always stands at the same place."""
    times = [time_taken(build) or timedelta() for build in builds]
    tallest = _tallest([took.total_seconds() for took in times])
    width = BARS * _STEP
    path = build_paths(project.uuid)
    drawn = [
        _values(path(build.number), *_box(number, min(took.total_seconds() / tallest, 1), width), build, took)
        for number, (build, took) in enumerate(zip(builds, times, strict=True))
    ]
    inner = format_html_join("", _BAR, reversed(drawn))
    return format_html(
        '<svg class="bars" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="group" aria-label="Last builds">{2}</svg>',
        width,
        _HEIGHT,
        inner,
    )


def _tallest(seconds: list[float]) -> float:
    """What the full height stands for: one stuck build must not make all others flat."""
    return min(max(seconds, default=1), 3 * median(seconds or [1])) or 1


_BAR = (
    '<a href="{0}" aria-label="{1}" tabindex="-1"><title>{1}</title>'
    '<rect class="bar-hit" x="{2}" y="0" width="6" height="24"/>'
    '<rect class="bar-{3}" x="{4}" y="{5}" width="4" height="{6}" rx="1"/></a>'
)


def _box(number: int, share: float, width: int) -> tuple[int, int]:
    """Left edge and height of the bar `number`, counted from the newest."""
    return width - (number + 1) * _STEP, max(_LEAST, round(share * _HEIGHT))


def _values(address: str, left: int, height: int, build: Build, took: timedelta) -> tuple[object, ...]:
    label = f"#{build.number} {build.status}" + (f", {duration(took)}" if build.started_at else "")
    return address, label, left, shape(build.status), left + 1, _HEIGHT - height, height

"""Times to come, as people say them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def clock_words(moment: datetime, zone: str, now: datetime) -> str:
    """A moment on the clock of `zone`: "18:00" today, "Mon 18:00" in the week to come, else with its date."""
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        place, zone = ZoneInfo("UTC"), "UTC"
    there, today = moment.astimezone(place), now.astimezone(place).date()
    days = (there.date() - today).days
    form = "%H:%M" if days == 0 else "%a %H:%M" if 0 < days < 7 else "%a %d %b %H:%M"  # a week
    return f"{there.strftime(form)} {zone}"

"""Durations as deployments have them: with days, or less than a second."""

from __future__ import annotations

import re

from builds.pipeline.section import Section

DAY_SECONDS = 86_400
_UNITS = {"d": DAY_SECONDS, "h": 3600, "m": 60, "s": 1}
_SPAN = re.compile(r"(?:\d{1,4}d)?(?:\d{1,4}h)?(?:\d{1,5}m)?(?:\d{1,6}s)?")
_PART = re.compile(r"(\d+)([dhms])")
_SHORT = re.compile(r"(?:(\d{1,6})ms|(\d{1,3})s)")
_DAYS = re.compile(r"(\d{1,4})d")


def read_span(section: Section, key: str, *, usual: int, least: int = 1, most: int = DAY_SECONDS) -> int:
    """The seconds of the key, `usual` where it is not there."""
    if not section.has(key):
        return usual
    found = to_seconds(section.text(key))
    if not least <= found <= most:
        example = "2d, 12h or 90m" if most > DAY_SECONDS else "90s, 3m or 1h30m"
        text = f"`{key}` needs a duration such as {example}, from {spelled(least)} to {spelled(most)}"
        section.report.error(text, section.entry(key))
        return usual
    return found


def to_seconds(word: str) -> int:
    """The seconds of 90s, 1h30m, 2d; 0 for what is no duration."""
    if not _SPAN.fullmatch(word.strip()):
        return 0
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(word))


def spelled(seconds: int) -> str:
    """The shortest way to write it: 90 is 90s, 3600 is 1h, two days are 2d."""
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def read_milliseconds(section: Section, key: str, *, most: int) -> int:
    """The milliseconds of 500ms or 2s; 0 where it is not there."""
    if not section.has(key):
        return 0
    found = _SHORT.fullmatch(section.text(key))
    total = (int(found[1]) if found[1] else int(found[2]) * 1000) if found else 0
    if not 0 < total <= most:
        text = f"`{key}` needs a duration such as 500ms or 2s, at most {most // 1000}s"
        section.report.error(text, section.entry(key))
        return 0
    return total


def read_days(section: Section, key: str, *, most: int) -> int:
    """The days of 14d; 0 where it is not there."""
    if not section.has(key):
        return 0
    found = _DAYS.fullmatch(section.text(key))
    if not found or not 0 < int(found[1]) <= most:
        section.report.error(f"`{key}` needs days, such as 14d, at most {most}d", section.entry(key))
        return 0
    return int(found[1])


def read_count(section: Section, key: str, *, usual: int, most: int) -> int:
    """The number of the key, from 1; `usual` where it is not there."""
    if not section.has(key):
        return usual
    found = section.number(key, most)
    if found == 0:
        section.report.error(f"`{key}` needs a number from 1 to {most}", section.entry(key))
    return found or usual

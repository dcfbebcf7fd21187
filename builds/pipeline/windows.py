"""Times of the week in which releases go: from their text, and when the next one opens. The zone's clock on the wall decides.

Where clocks are put on, a window that begins in the hour that is left out opens when they go on, and one that lies
wholly in it does not open that day. Where they are put back, the hour that is there twice counts twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from builds.pipeline.delivery import Window
from builds.pipeline.report import clean

MAX_TEXT = 100
MAX_WINDOWS = 20
LOOK_AHEAD_DAYS = 366
DAY = 24 * 60
WEEK = 7 * DAY
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EXAMPLES = (
    '"Mon-Thu 18:00-10:00 Europe/Vienna", "Mon,Wed 09:00-17:00", "daily 02:00-04:00", "Fri 22:00-Mon 06:00", "Sat-Sun"'
)

Freezes = Collection[tuple[datetime, datetime]]
"""From, until; both aware."""

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_SPAN = re.compile(r"([a-z]+) ([\d:]+)-([a-z]+) ([\d:]+)(?: (\S+))?", re.ASCII | re.IGNORECASE)


def read_window(text: str) -> Window:
    """The window that `text` names: days, or `daily`; times, or the whole day; a zone of the IANA database, or UTC.

    Raises ValueError, whose text says what is wrong and how it is written.
    """
    words = re.sub(r" ?([,-]) ?", r"\1", " ".join(text.replace("\N{EN DASH}", "-").split()))
    if not words or len(text) > MAX_TEXT:
        raise ValueError(f"a window is written as one of {EXAMPLES}")
    if long := _SPAN.fullmatch(words):
        return _over_days(long, words)
    days, times, zone = _parts(words)
    start, end = _times(times) if times else (0, DAY)
    return Window(days=_days(days), start=start, end=end, zone=_zone(zone), text=words)


def is_open(windows: Sequence[Window], now: datetime) -> bool:
    """Whether `now` (aware) lies in one of the windows; without any it is always open."""
    return not windows or any(_holds(window, now) for window in windows)


def opens_at(windows: Sequence[Window], freezes: Freezes, now: datetime) -> datetime | None:
    """The first moment from `now` (aware) on, in UTC, inside a window and outside every freeze; None: none within a year."""
    for moment in _turns(windows, freezes, now.astimezone(UTC)):
        if is_open(windows, moment) and not any(start <= moment < end for start, end in freezes):
            return moment
    return None


def _holds(window: Window, now: datetime) -> bool:
    there = now.astimezone(ZoneInfo(window.zone))
    minute = there.weekday() * DAY + there.hour * 60 + there.minute
    return any((minute - day * DAY - window.start) % WEEK < _length(window) for day in window.days)


def _length(window: Window) -> int:
    return window.end - window.start if window.end > window.start else window.end + DAY - window.start


def _turns(windows: Sequence[Window], freezes: Freezes, now: datetime) -> Iterator[datetime]:
    """`now`, and every later moment at which it might become open, in order."""
    yield now
    minute = now.replace(second=0, microsecond=0)  # everything turns on a whole one
    for number in range(LOOK_AHEAD_DAYS):
        first, last = minute + timedelta(days=number), minute + timedelta(days=number + 1)
        found = {end.astimezone(UTC) for _, end in freezes}
        for window in windows:
            found |= _begins(window, first, last)
        yield from sorted(moment for moment in found if first < moment <= last and moment > now)


def _begins(window: Window, first: datetime, last: datetime) -> set[datetime]:
    """When the window begins between two moments (in UTC) a day apart, and when the clock jumps into or out of it."""
    zone = ZoneInfo(window.zone)
    start, end = first.astimezone(zone), last.astimezone(zone)
    dates = [start.date() + timedelta(days=number) for number in range((end.date() - start.date()).days + 1)]
    found = {moment for day in dates if day.weekday() in window.days for moment in _moments(day, window.start, zone)}
    return found if start.utcoffset() == end.utcoffset() else found | {_jump(zone, first, last)}


def _moments(day: date, minutes: int, zone: ZoneInfo) -> set[datetime]:
    """When the clock shows so many minutes after midnight: twice in an hour that is there twice."""
    there = datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=zone)
    return {there.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}


def _jump(zone: ZoneInfo, first: datetime, last: datetime) -> datetime:
    """The minute between two moments at which the zone's clock is put on or back."""
    before = first.astimezone(zone).utcoffset()
    low, high = 0, int((last - first).total_seconds()) // 60
    while high - low > 1:
        middle = (low + high) // 2
        same = (first + timedelta(minutes=middle)).astimezone(zone).utcoffset() == before
        low, high = (middle, high) if same else (low, middle)
    return first + timedelta(minutes=high)


def _parts(words: str) -> tuple[str, str, str]:
    """The texts of days, times and zone; "" = not given."""
    parts = words.split(" ")
    days = "daily" if parts[0][0].isdigit() else parts.pop(0)
    times = parts.pop(0) if parts and parts[0][0].isdigit() else ""
    if len(parts) > 1:
        raise ValueError(f"`{clean(words)}` is no window: it is written as one of {EXAMPLES}")
    return days, times, parts[0] if parts else "UTC"


def _over_days(found: re.Match[str], words: str) -> Window:
    """From a time of one day until a time of another."""
    begin, start, finish, end, zone = found.groups()
    day, minutes = _day(begin), _clock(start, is_end=False)
    until = (_day(finish) - day) % 7 * DAY + _clock(end, is_end=True)
    until += 0 if until > minutes else WEEK
    return Window(days=(day,), start=minutes, end=until, zone=_zone(zone or "UTC"), text=words)


def _days(text: str) -> tuple[int, ...]:
    if text.lower() == "daily":
        return tuple(range(7))
    found: set[int] = set()
    for part in text.split(","):
        ends = [_day(name) for name in part.split("-")]
        if len(ends) > 2:
            raise ValueError(f"`{clean(part)}` is no range of days: write it as Mon-Thu")
        found |= {(ends[0] + number) % 7 for number in range((ends[-1] - ends[0]) % 7 + 1)}
    return tuple(sorted(found))


def _day(name: str) -> int:
    """Monday is 0; three letters are enough."""
    for number, day in enumerate(DAYS):
        if len(name) >= 3 and day.lower().startswith(name.lower()):
            return number
    raise ValueError(f"`{clean(name)}` is no day of the week: write Mon, Tue, Wed, Thu, Fri, Sat, Sun, or daily")


def _times(text: str) -> tuple[int, int]:
    start, dash, end = text.partition("-")
    if not dash:
        raise ValueError(f"`{clean(text)}` has no end: write times as 18:00-10:00")
    return _clock(start, is_end=False), _clock(end, is_end=True)


def _clock(text: str, *, is_end: bool) -> int:
    """Minutes after midnight."""
    found = _CLOCK.fullmatch(text)
    hours, minutes = (int(found[1]), int(found[2])) if found else (99, 0)
    if minutes > 59 or hours * 60 + minutes >= DAY + is_end:
        last = "24:00" if is_end else "23:59"
        raise ValueError(f"`{clean(text)}` is no time of the day: write 00:00 to {last}, such as 18:00-10:00")
    return hours * 60 + minutes


def _zone(name: str) -> str:
    zones = _zones()
    if name.lower() in zones:
        return zones[name.lower()]
    alike = [zone for key, zone in zones.items() if key[:2] == name[:2].lower()]
    near = get_close_matches(name, alike, n=1)
    remedy = f"did you mean `{near[0]}`?" if near else "write one such as UTC, Europe/Vienna, America/New_York"
    raise ValueError(f"the zone `{clean(name)}` does not exist: {remedy}")


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """The names of the IANA database by their small letters."""
    return {name.lower(): name for name in sorted(available_timezones() - {"localtime", "Factory"})}

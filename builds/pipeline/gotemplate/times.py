"""Go's time.Time, as far as a template can ask for it; always in UTC, to the second."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from builds.pipeline.gotemplate.errors import TemplateError

MAX_LAYOUT = 500
_AS_TEXT = "2006-01-02 15:04:05 -0700 MST"

# Go's layouts spell out one moment: 2006-01-02 15:04:05 in the zone -07:00, a Monday in January.
_CHUNK = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|_2006|2|__2|_2|3|4|5|PM|pm"
    r"|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|[.,](?:0+|9+)(?![0-9])"
)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_VALUES: dict[str, Callable[[datetime], str]] = {
    "2006": lambda at: f"{at.year:04}",
    "_2006": lambda at: f"_{at.year:04}",
    "06": lambda at: f"{at.year % 100:02}",
    "January": lambda at: _MONTHS[at.month - 1],
    "Jan": lambda at: _MONTHS[at.month - 1][:3],
    "01": lambda at: f"{at.month:02}",
    "1": lambda at: str(at.month),
    "Monday": lambda at: _DAYS[at.weekday()],
    "Mon": lambda at: _DAYS[at.weekday()][:3],
    "02": lambda at: f"{at.day:02}",
    "_2": lambda at: f"{at.day:2}",
    "2": lambda at: str(at.day),
    "002": lambda at: f"{at.timetuple().tm_yday:03}",
    "__2": lambda at: f"{at.timetuple().tm_yday:3}",
    "15": lambda at: f"{at.hour:02}",
    "03": lambda at: f"{at.hour % 12 or 12:02}",
    "3": lambda at: str(at.hour % 12 or 12),
    "04": lambda at: f"{at.minute:02}",
    "4": lambda at: str(at.minute),
    "05": lambda at: f"{at.second:02}",
    "5": lambda at: str(at.second),
    "PM": lambda at: "PM" if at.hour >= 12 else "AM",
    "pm": lambda at: "pm" if at.hour >= 12 else "am",
    "MST": lambda _: "UTC",
}
_METHODS: dict[str, Callable[[datetime], str | int]] = {
    "Unix": lambda at: int(at.timestamp()),
    "UnixMilli": lambda at: int(at.timestamp()) * 1000,
    "UnixNano": lambda at: int(at.timestamp()) * 10**9,
    "Year": lambda at: at.year,
    "Month": lambda at: _MONTHS[at.month - 1],
    "Day": lambda at: at.day,
    "Hour": lambda at: at.hour,
    "Minute": lambda at: at.minute,
    "Second": lambda at: at.second,
    "YearDay": lambda at: at.timetuple().tm_yday,
    "Weekday": lambda at: _DAYS[at.weekday()],
}
_SAME = frozenset({"UTC", "Local"})
METHODS = frozenset({"Format", "String", *_SAME, *_METHODS})


class Moment:
    """A time.Time."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def __str__(self) -> str:
        return self.format(_AS_TEXT)

    def format(self, layout: str) -> str:
        """The time written as the layout writes 2006-01-02 15:04:05."""
        if len(layout) > MAX_LAYOUT:
            raise TemplateError(f"a layout has at most {MAX_LAYOUT} characters")
        return _CHUNK.sub(lambda found: self._chunk(found[0]), layout)

    def call(self, method: str, arguments: list[object]) -> str | int | Moment:
        """What a method of METHODS says."""
        if method == "Format":
            if len(arguments) != 1 or not isinstance(arguments[0], str):
                raise TemplateError('`.Format` needs one layout in quotes, such as `"2006-01-02"`')
            return self.format(arguments[0])
        if arguments:
            raise TemplateError(f"`.{method}` takes nothing")
        if method == "String":
            return str(self)
        return self if method in _SAME else _METHODS[method](self._at)

    def _chunk(self, chunk: str) -> str:
        if chunk in _VALUES:
            return _VALUES[chunk](self._at)
        if chunk.startswith("Z"):
            return "Z"
        if chunk.startswith("-"):
            return re.sub("[0-9]", "0", f"+{chunk[1:]}")
        return chunk if chunk.endswith("0") else ""  # parts of a second: there are none

"""Lengths of time as settings of targets have them: 90s, 3m, 1h30m."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

DURATION = r"^([0-9]{1,2}h)?([0-9]{1,4}m)?([0-9]{1,6}s)?$"

Within = Annotated[str, Field(pattern=DURATION, min_length=2)]

_PARTS = re.compile(r"(\d+)([hms])")
_UNITS = {"h": 3600, "m": 60, "s": 1}


def seconds(duration: str) -> int:
    """What 90s, 3m or 1h30m are in seconds."""
    return sum(int(number) * _UNITS[unit] for number, unit in _PARTS.findall(duration))

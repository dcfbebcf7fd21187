"""When an environment was not as it should be, from what is known of it: pure arithmetic over moments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple


class Sign(IntEnum):
    """What a moment says of an environment. Of two at the same moment the bad one comes first."""

    CHANGE_FAILED = 1  # a deployment failed, or somebody asked for a rollback
    HEALTH_BAD = 2
    TAKEN_BACK = 3  # a failed change is gone by itself: the release before is back
    HEALTH_GOOD = 4
    LIVE = 5


class Moment(NamedTuple):
    """Something that happened to an environment; they sort by time."""

    at: datetime
    sign: Sign
    environment: int


@dataclass(frozen=True)
class Outage:
    """An environment from when it was known to be bad until it was right again; `ended` None = it is not yet."""

    environment: int
    began: datetime
    ended: datetime | None = None


@dataclass
class _Open:
    began: datetime
    is_of_health: bool


def outages(moments: Iterable[Moment]) -> list[Outage]:
    """The outages, those that have ended first; what goes wrong during one belongs to it.

    Whatever goes live ends one, and so does good health. That a failed change was taken back ends what it began,
    and not what was bad before.
    """
    ended: list[Outage] = []
    opened: dict[int, _Open] = {}
    for moment in sorted(moments):
        its = opened.get(moment.environment)
        if moment.sign in {Sign.CHANGE_FAILED, Sign.HEALTH_BAD}:
            its = opened.setdefault(moment.environment, _Open(moment.at, is_of_health=False))
            its.is_of_health |= moment.sign == Sign.HEALTH_BAD
        elif its is not None and not (moment.sign == Sign.TAKEN_BACK and its.is_of_health):
            ended.append(Outage(moment.environment, its.began, moment.at))
            del opened[moment.environment]
    return ended + [Outage(environment, its.began) for environment, its in opened.items()]

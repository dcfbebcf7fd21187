"""Moments that callers of the API send: in UTC, so that the database takes every time zone they may name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this is beyond every calendar") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]

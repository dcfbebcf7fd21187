"""What goes wrong outside: one error, and whether trying again could help."""

from __future__ import annotations

from datetime import datetime


class DeliveryError(Exception):
    """It did not arrive. `permanent`: the receiver, or our own rules, will say the same next time: do not try again.

    `until`: the receiver wants to be left alone so long.
    """

    def __init__(self, message: str, permanent: bool = False, until: datetime | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.until = until

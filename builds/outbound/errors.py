"""What goes wrong outside: one error, and whether trying again could help."""

from __future__ import annotations


class DeliveryError(Exception):
    """It did not arrive. `permanent`: the receiver, or our own rules, will say the same next time: do not try again."""

    def __init__(self, message: str, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent

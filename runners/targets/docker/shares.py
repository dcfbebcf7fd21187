"""Shares of the traffic as weights of servers, and as numbers of containers. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

MOST = 256  # HAProxy's largest weight
WHOLE = 100


@dataclass(frozen=True)
class Weights:
    """Of each server: `new` of the new containers get `new_weight`, the others of them none; all old ones `old_weight`."""

    new: int
    new_weight: int
    old: int
    old_weight: int

    @property
    def percent(self) -> float:
        """What the new ones get of all."""
        ours, theirs = self.new * self.new_weight, self.old * self.old_weight
        return 100.0 * ours / (ours + theirs)


def weights(percent: float, new: int, old: int) -> Weights | None:
    """The weights that come next to `percent`, with as many of the new containers as can be. None where 256 is too coarse.

    The share is at most a tenth off.
    """
    if percent >= WHOLE or old == 0:
        return Weights(new, WHOLE, old, 0)
    share = Fraction(percent) / 100
    for count in range(new, 0, -1):
        ratio = share * old / ((1 - share) * count)  # a new server's weight to an old one's
        if found := _whole_numbers(ratio):
            candidate = Weights(count, found[0], old, found[1])
            if abs(candidate.percent - percent) <= percent / 10:
                return candidate
    return None


def _whole_numbers(ratio: Fraction) -> tuple[int, int] | None:
    small = (ratio if ratio <= 1 else 1 / ratio).limit_denominator(MOST)
    if not small:
        return None
    return (small.numerator, small.denominator) if ratio <= 1 else (small.denominator, small.numerator)


def containers(percent: float, new: int, old: int) -> int:
    """How many of the new containers beside all the old ones make at most `percent` of them; 0 where one is too many."""
    if percent >= WHOLE or old == 0:
        return new
    return min(new, int(Fraction(percent) * old / (100 - Fraction(percent))))

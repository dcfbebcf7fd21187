"""How many deliveries a hook may send: so many a minute, and a burst of ten minutes' worth at once.

Each web process counts for itself, in memory: that needs no Redis, costs no round trip, and lets everything through where
it forgets. A hook may so send as much as that to each web process.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

BURST_MINUTES = 10
MOST_HOOKS = 10_000  # remembered; who is forgotten begins again with a full bucket


@dataclass
class _Bucket:
    left: float
    at: float  # seconds of the clock
    is_empty: bool = False


@dataclass(frozen=True)
class Excess:
    """It was one too many."""

    wait_seconds: int
    is_first: bool  # since the last that was let through


class Limit:
    """Buckets of tokens, by any key; safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[object, _Bucket] = OrderedDict()

    def take(self, key: object, *, a_minute: int) -> Excess | None:
        """One more of `key`'s; None where it may. `a_minute` 0 = there is no limit."""
        if not a_minute:
            return None
        with self._lock:
            now, most = self._clock(), a_minute * BURST_MINUTES
            bucket = self._buckets.pop(key, None) or _Bucket(left=most, at=now)
            self._buckets[key] = bucket
            bucket.left, bucket.at = min(bucket.left + (now - bucket.at) * a_minute / 60, most), now
            if bucket.left >= 1:
                bucket.left, bucket.is_empty = bucket.left - 1, False
                self._forget()
                return None
            is_first, bucket.is_empty = not bucket.is_empty, True
            return Excess(wait_seconds=int((1 - bucket.left) * 60 / a_minute) + 1, is_first=is_first)

    def _forget(self) -> None:
        while len(self._buckets) > MOST_HOOKS:
            self._buckets.popitem(last=False)

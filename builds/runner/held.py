"""The jobs that this process holds: who may still run, and since when each lease has not been renewed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from builds.services.claim import Claim
from runners.contract import Stop, StopReason


@dataclass(kw_only=True)
class Held:
    """One job in a slot. `renewed_at` is this process' monotonic clock, read before the renewal was asked for."""

    claim: Claim
    renewed_at: float
    stop: Stop = field(default_factory=Stop)

    def order(self, reason: StopReason) -> None:
        """Have it stopped, from a thread of its own: stopping may wait for Docker, and who orders must not."""
        if self.stop.reason is None:
            name = f"stop-{self.claim.job_id}"
            threading.Thread(target=self.stop.order, args=(reason,), name=name, daemon=True).start()


class HeldJobs:
    """A thread-safe register of held jobs."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._jobs: dict[int, Held] = {}

    def __len__(self) -> int:
        with self._changed:
            return len(self._jobs)

    def add(self, claim: Claim, *, renewed_at: float) -> Held:
        """Remember a fresh claim."""
        held = Held(claim=claim, renewed_at=renewed_at)
        with self._changed:
            self._jobs[claim.job_id] = held
        return held

    def remove(self, held: Held) -> None:
        """Forget a job whose attempt is over."""
        with self._changed:
            if self._jobs.get(held.claim.job_id) is held:
                del self._jobs[held.claim.job_id]
            self._changed.notify_all()

    def claims(self) -> list[Claim]:
        """What is to be renewed: all but those that are lost already."""
        with self._changed:
            jobs = list(self._jobs.values())
        return [held.claim for held in jobs if held.stop.reason != StopReason.LOST_LEASE]

    def renew(self, job_ids: Iterable[int], *, at: float) -> None:
        """Their leases were renewed by a request that was sent at `at`."""
        with self._changed:
            for job_id in job_ids:
                if job_id in self._jobs:
                    self._jobs[job_id].renewed_at = at

    def order(self, job_ids: Iterable[int], reason: StopReason) -> None:
        """Have these jobs stopped."""
        with self._changed:
            jobs = [self._jobs[job_id] for job_id in job_ids if job_id in self._jobs]
        for held in jobs:
            held.order(reason)

    def order_all(self, reason: StopReason) -> None:
        """Have every job stopped."""
        with self._changed:
            ids = list(self._jobs)
        self.order(ids, reason)

    def fence(self, seconds: float) -> list[int]:
        """Stop, as lost, every job whose lease was not renewed for `seconds`: before anybody may reap it."""
        now = self._clock()
        with self._changed:
            old = [
                job_id
                for job_id, held in self._jobs.items()
                if now - held.renewed_at > seconds and held.stop.reason is None
            ]
        self.order(old, StopReason.LOST_LEASE)
        return old

    def wait_empty(self, seconds: float, *, hurry: threading.Event | None = None) -> bool:
        """Wait until no job is held, at most `seconds`, or until `hurry` is set."""
        end = time.monotonic() + seconds
        with self._changed:
            while self._jobs:
                left = end - time.monotonic()
                if left <= 0 or (hurry is not None and hurry.is_set()):
                    return False
                self._changed.wait(min(left, 0.2))
        return True

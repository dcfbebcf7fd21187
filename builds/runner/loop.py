"""The loop of a runner: claim while slots are free, keep leases alive, reap and sweep, drain.

Threads, so that none waits for another's trouble: `open`, `claim`, `heartbeat`, `fence`, `reap`, `sweep`, and one for
each job. A bell is a hint: the queue is looked at every few seconds anyway.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.db import connection

from builds.models import Job
from builds.runner.heart import Heart
from builds.runner.held import Held, HeldJobs
from builds.runner.room import Room
from builds.runner.times import Times
from builds.runner.turns import Turns
from builds.services.claim import claim
from builds.services.identity import RunnerIdentity
from builds.services.pulse import beat, leave
from builds.services.reap import reap
from builds.services.run import run
from builds.states import Status
from runners.contract import Executor, Failure, StopReason
from runners.errors import RunnerError

log = logging.getLogger(__name__)

_ENGINE_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 60.0
_JOIN_SECONDS = 5.0


class RunnerLoop:
    """Call `start` once, `ring` from anywhere, `drain` and then `stop` once. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        executor: Executor,
        identity: RunnerIdentity,
        *,
        capacity: int,
        times: Times,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._executor = executor
        self._identity = identity
        self._capacity = capacity
        self._times = times
        self._clock = clock
        self._held = HeldJobs(clock=clock)
        self._heart = Heart(self._held, times, self._pulse, clock=clock)
        self._stopping, self._draining, self._hurry = threading.Event(), threading.Event(), threading.Event()
        self._claiming = threading.Lock()
        self._room = Room(self._sweep, clock=clock)
        self.told_to_drain = threading.Event()  # by its row: the process that owns the loop drains it
        self._has_beaten = False
        self._obstacle = ""  # why nothing is claimed, for people
        self._is_open = False
        self._breakdowns = 0
        self._claim_after = clock()
        self._claims = Turns("claim", times.poll, self._fill_slots)
        self._turns = [self._claims, Turns("reap", times.reap, reap), Turns("sweep", times.sweep, self._sweep)]
        self._threads = [
            threading.Thread(
                target=self._heart.beat_until, args=(self._stopping,), name="runner-heartbeat", daemon=True
            ),
            threading.Thread(target=self._heart.fence_until, args=(self._stopping,), name="runner-fence", daemon=True),
        ]

    @property
    def held(self) -> int:
        """How many jobs this process holds."""
        return len(self._held)

    def start(self) -> None:
        """Begin; returns at once. Database and engine may come up later."""
        for thread in self._threads:
            thread.start()
        for turns in self._turns:
            turns.start()

    def ring(self, **_: object) -> None:
        """Look at the queue now; never blocks."""
        self._claims.wake()

    def hurry(self) -> None:
        """End the wait of `drain` at once."""
        self._hurry.set()

    def drain(self, seconds: float) -> bool:
        """Claim no more and let running jobs end for `seconds`; what still runs then waits again for another runner.

        Blocks; leases are kept alive all the while. True where nothing is held when it returns.
        """
        self._draining.set()
        # A claim that is on its way right now is a job to drain as well.
        if self._claiming.acquire(timeout=self._times.stop):
            self._claiming.release()
        if not self._held.wait_empty(seconds, hurry=self._hurry):
            self._held.order_all(StopReason.DRAINED)
        return self._held.wait_empty(self._times.stop)

    def stop(self) -> None:
        """End the loop; what is still held is left to the reaper."""
        self._draining.set()
        for turns in self._turns:
            turns.stop(seconds=_JOIN_SECONDS)
        self._stopping.set()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)
        self._sweep_at_last()
        self._say_goodbye()
        self._executor.close()

    def _sweep_at_last(self) -> None:
        try:
            self._sweep()
        except Exception as error:  # noqa: BLE001  # the process ends; another runner, or the next start, sweeps
            log.warning("runner's last sweep: %s", error)

    # --- the queue

    def _fill_slots(self) -> None:
        while not self._is_hindered() and len(self._held) < self._capacity and self._clock() >= self._claim_after:
            with self._claiming:
                held = None if self._draining.is_set() else self._claim_one()
            if held is None:
                return
            name = f"job-{held.claim.job_id}-{held.claim.epoch}"
            threading.Thread(target=self._work, args=(held,), name=name, daemon=True).start()

    def _is_hindered(self) -> bool:
        """Open the executor where it is not open yet, and look whether there is room; raises RunnerError as they do."""
        try:
            if not self._is_open:
                self._executor.open()
                self._is_open = True
            found = self._room()
        except RunnerError as error:
            self._obstacle = str(error)
            raise
        if found and not self._obstacle:
            log.error("nothing is claimed: %s", found)
        if self._obstacle and not found:
            log.warning("jobs are claimed again")
        self._obstacle = found
        return bool(found)

    def _claim_one(self) -> Held | None:
        asked_at = self._clock()
        taken = claim(self._identity)
        return None if taken is None else self._held.add(taken, renewed_at=asked_at)

    def _work(self, held: Held) -> None:
        try:
            result = run(held.claim, self._executor, held.stop)
            self._note_health(engine_broke=result.failure == Failure.ENGINE)
        except Exception:
            log.exception("job=%s epoch=%s was not settled by this runner", held.claim.job_id, held.claim.epoch)
        finally:
            connection.close()
            self._held.remove(held)
            self.ring()

    def _note_health(self, *, engine_broke: bool) -> None:
        """An engine in trouble would break job after job: leave the queue to other runners for a while."""
        self._breakdowns = self._breakdowns + 1 if engine_broke else 0
        if engine_broke:
            pause = min(_ENGINE_PAUSE_SECONDS * 2 ** (self._breakdowns - 1), _LONGEST_PAUSE_SECONDS)
            self._claim_after = self._clock() + pause
            log.warning("the engine failed a job: no claims for %d s", pause)

    # --- the process

    def _pulse(self) -> None:
        told = beat(
            self._identity,
            capacity=self._capacity,
            executor=self._executor.name,
            draining=self._draining.is_set(),
            obstacle=self._obstacle or self._paused(),
            is_first=not self._has_beaten,
        )
        self._has_beaten = True
        if told.drain_at is not None and not self.told_to_drain.is_set():
            log.warning("%s asked this runner to drain", told.drain_by)
            self.told_to_drain.set()
        if told.revoked_at is not None:
            self._held.order_all(StopReason.LOST_LEASE)

    def _paused(self) -> str:
        return "" if self._clock() >= self._claim_after else "Its engine failed a job: it takes no other for a moment."

    def _say_goodbye(self) -> None:
        try:
            leave(self._identity)
        except Exception as error:  # noqa: BLE001  # the process ends, whatever the database says
            log.warning("runner goodbye: %s", error)
        connection.close()

    def _sweep(self) -> None:
        if self._is_open:
            self._executor.sweep(is_live)


def is_live(job_uuid: str, epoch: int) -> bool:
    """Whether this attempt still owns its job: what the sweep asks before it removes anything."""
    return Job.objects.filter(uuid=job_uuid, epoch=epoch, status=Status.RUNNING).exists()

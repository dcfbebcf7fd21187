"""What the rows say of a stage that is looked at: what is due, what is wrong, whether it is right. Nothing is written."""

from __future__ import annotations

from datetime import datetime, timedelta

from builds.pipeline.delivery import Probe
from builds.states import Status
from deployments.models import ProbeResult, Stage
from deployments.services.turns import EARLY
from deployments.services.verify import rollout_of
from deployments.states import DeploymentStatus

# In these it is decided by looking; in UNKNOWN a person decides.
DECIDED = frozenset({DeploymentStatus.VERIFYING, DeploymentStatus.ROLLING_BACK})
# How soon a stage that waits for something else is looked at again, should the news of it be lost.
_WAITING = timedelta(seconds=15)
_SHORTEST = timedelta(milliseconds=500)


class Sight:
    """A stage, how it is to be looked at, and what its probes said last."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.rollout = rollout_of(stage)
        self.rows = {row.position: row for row in stage.probes.all()}
        self._begin = stage.rolled_out_at or stage.created_at

    def due(self, now: datetime) -> dict[int, Probe]:
        """The probes to open now, by their positions."""
        if self.stage.deployment.status == DeploymentStatus.UNKNOWN:
            return dict(enumerate(self.rollout.probes))
        times = {position: self._next(position, probe) for position, probe in enumerate(self.rollout.probes)}
        return {position: self.rollout.probes[position] for position, at in times.items() if at and at <= now}

    def wrong(self) -> str:
        """Why the stage has failed, as a sentence; "" = it has not."""
        for position, probe in enumerate(self.rollout.probes):
            row = self.rows.get(position)
            if row is not None and not row.is_right and (why := self._too_much(row, probe)):
                return why
        job = self.stage.check_job
        if job is None or not job.is_final or job.status in {Status.PASSED, Status.SKIPPED}:
            return ""
        how = {Status.FAILED: "failed", Status.CANCELLED: "were stopped"}.get(Status(job.status), "could not be run")
        return f"Its checks {how}: {job.reason}" if job.reason else f"Its checks {how}"

    def is_right(self) -> bool:
        """Whether every probe is right, and the checks have passed."""
        probes = range(len(self.rollout.probes))
        return all(position in self.rows and self.rows[position].is_right for position in probes) and self._is_checked()

    def end_of_bake(self, right_at: datetime) -> datetime | None:
        """Until when it has to stay right; None where it does not bake."""
        seconds = self.rollout.bake_seconds
        return right_at + timedelta(seconds=seconds) if seconds else None

    def wants_check(self, now: datetime) -> bool:
        """Whether the checks are to be run: at first, and once more when it has baked."""
        job, until = self.stage.check_job, self.stage.bakes_until
        return job is None or (until is not None and until <= now and job.created_at < until)

    def is_done(self, now: datetime) -> bool:
        """Whether it was right for as long as it has to be, and is."""
        until = self.stage.bakes_until
        is_baked = self.stage.right_at is not None and (until is None or until <= now)
        return is_baked and self.is_right()

    def next_look(self, now: datetime) -> datetime:
        """When something is due next."""
        probes = [self._next(position, probe) for position, probe in enumerate(self.rollout.probes)]
        times = [at for at in probes if at is not None]
        if self.stage.bakes_until is not None and self.stage.bakes_until > now:
            times.append(self.stage.bakes_until)
        return max(min([*times, now + _WAITING]), now + _SHORTEST)

    def _is_checked(self) -> bool:
        job = self.stage.check_job
        return not self.rollout.checks or (job is not None and job.status in {Status.PASSED, Status.SKIPPED})

    def _next(self, position: int, probe: Probe) -> datetime | None:
        """When a probe is to be opened; None: it was right, and is left alone until the others are, too."""
        row = self.rows.get(position)
        if row is None:
            return self._begin
        again = row.at + timedelta(seconds=probe.every_seconds) - EARLY
        if row.was_right:
            return again if self.stage.right_at or not row.is_right else None
        end = self._begin + timedelta(seconds=probe.within_seconds)
        return min(again, end) if row.at < end else again

    def _too_much(self, row: ProbeResult, probe: Probe) -> str:
        if not row.was_right:
            # Not the time that it is now: while another address hung, this one was not tried.
            is_late = row.at >= self._begin + timedelta(seconds=probe.within_seconds)
            return f"{row.url} was not right within {span(probe.within_seconds)}: it {row.reason}" if is_late else ""
        if row.failures < probe.failures:
            return ""
        times = f", the last of {row.failures} times in a row" if row.failures > 1 else ""
        return f"{row.url} {row.reason}{times}"


def span(seconds: int) -> str:
    """Seconds for people: 90 s, 2 min, 1 h."""
    for length, unit in ((3600, "h"), (60, "min")):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"

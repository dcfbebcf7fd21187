"""A deployment as the pages tell it: with its stages, what was said to it, and what may be done to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from builds.models import Job, Step
from deployments.models import ApprovalDecision, Deployment, ProbeResult, Stage
from deployments.states import FINAL, PENDING, DeploymentStatus
from deployments.views.stage_lines import StageLine, lines_of, steps_of, telling

TOLD = ("environment", "release__build", "requested_by", "previous", "job")
_S = DeploymentStatus
_GOES_OUT = frozenset({_S.ROLLING_OUT, _S.VERIFYING})
_WORDS = {
    _S.REQUESTED: "next in the queue",
    _S.HELD: "held",
    _S.WAITING: "waits for approval",
    _S.LIVE: "live",
    _S.FAILED: "failed",
    _S.ROLLING_BACK: "is taken back",
    _S.ROLLED_BACK: "taken back",
    _S.UNKNOWN: "nobody knows whether it went live",
}


@dataclass(frozen=True)
class Row:
    """A deployment with its stages and decisions."""

    deployment: Deployment
    lines: tuple[StageLine, ...] = ()
    decisions: tuple[ApprovalDecision, ...] = ()
    older_steps: tuple[Step, ...] = ()  # of a deployment of the time before there were stages

    @property
    def by(self) -> str:
        """Who brought it: the person who asked, else who wrote the commit."""
        return whose(self.deployment)

    @property
    def current(self) -> StageLine | None:
        """The newest stage that has begun."""
        begun = [line for line in self.lines if line.stage is not None]
        return begun[-1] if begun else None

    @property
    def stage(self) -> Stage | None:
        """Its row."""
        return self.current.stage if self.current else None

    @property
    def has_strip(self) -> bool:
        """Whether it has begun, and there is more to show than one stage that says nothing of itself."""
        more = len(self.lines) > 1 or any(line.probes or line.checks for line in self.lines)
        return self.current is not None and more

    @property
    def wrong(self) -> tuple[ProbeResult, ...]:
        """The probes that were wrong when a share of it failed."""
        return tuple(probe for line in self.lines if not line.is_rollback for probe in line.wrong)

    @property
    def place(self) -> str:
        """Which stage it is in: "stage 2 of 4, 10 %"; "" where there is only one, or none has begun."""
        forward = [line for line in self.lines if not line.is_rollback]
        begun = [line for line in forward if line.stage is not None]
        if len(forward) < 2 or not begun or self.deployment.status not in _GOES_OUT | {_S.UNKNOWN}:
            return ""
        return f"stage {len(begun)} of {len(forward)}, {begun[-1].percent:g} %"

    @property
    def words(self) -> str:
        """Where it stands, without times."""
        status = DeploymentStatus(self.deployment.status)
        if self.is_stopping:
            return "stopping"
        if status in _GOES_OUT and self.is_paused:
            return "paused"
        if status in _GOES_OUT and self.current:
            return {"its steps run": "rolling out"}.get(self.current.words, self.current.words)
        if status in _GOES_OUT:
            return "waits for a runner" if not _begun(self.deployment.job) else "rolling out"
        return _WORDS.get(status, status.label.lower())

    @property
    def step(self) -> Step | None:
        """The step whose log says most."""
        line = self._telling_line
        return line.telling if line else telling(self.older_steps)

    @property
    def log_build_number(self) -> int:
        """The build whose page has that log: what is brought back runs as its own build."""
        line = self._telling_line
        return line.stage.release.build.number if line and line.stage else self.deployment.release.build.number

    @property
    def _telling_line(self) -> StageLine | None:
        """The share that failed, once all is over; else the newest."""
        over = self.deployment.status in FINAL
        failed = [line for line in self.lines if over and line.state == "failed" and line.telling]
        return failed[-1] if failed else self.current

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked to stop it."""
        job = self.deployment.job
        asked = job is not None and job.cancel_requested_at is not None and not job.is_final
        return asked and self.deployment.status in _GOES_OUT

    @property
    def is_paused(self) -> bool:
        """Whether no further stage begins."""
        return self.deployment.paused_at is not None and self.deployment.status in _GOES_OUT

    @property
    def may_stop(self) -> bool:
        """Whether there is something to stop."""
        return self.deployment.status in PENDING | _GOES_OUT and not self.is_stopping

    @property
    def may_pause(self) -> bool:
        """Whether there is a further stage to keep from beginning."""
        more = any(line.stage is None for line in self.lines)
        return self.deployment.status in _GOES_OUT and more and not self.is_paused and not self.is_stopping

    @property
    def is_back(self) -> bool:
        """Whether it went back by itself, so that what was live before it is live again."""
        taken_back = self.deployment.status == _S.ROLLED_BACK and self.deployment.live_at is None
        return taken_back and self.deployment.previous_id is not None

    @property
    def is_held(self) -> bool:
        """Whether a window or a freeze keeps it."""
        return self.deployment.status == _S.HELD

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a person's approval."""
        return self.deployment.status == _S.WAITING

    @property
    def is_unknown(self) -> bool:
        """Whether a person has to say what happened."""
        return self.deployment.status == _S.UNKNOWN


def whose(deployment: Deployment) -> str:
    """Who brought it, in words."""
    if deployment.requested_by is not None:
        return str(deployment.requested_by)
    build = deployment.release.build
    return build.author_name or build.author_username or build.author_email or "somebody"


def told() -> QuerySet[Deployment]:
    """Deployments with what is told of them. A plan and a job's steps are big, and neither is told here."""
    return Deployment.objects.select_related(*TOLD).defer("release__build__plan", "job__spec")


def rows(deployments: Sequence[Deployment]) -> list[Row]:
    """Deployments with their stages and decisions; a constant number of queries."""
    lines = lines_of(deployments)
    decisions: dict[int, list[ApprovalDecision]] = {}
    for decision in ApprovalDecision.objects.filter(deployment__in=deployments).order_by("id"):
        decisions.setdefault(decision.deployment_id, []).append(decision)
    old = [each.job_id for each in deployments if each.job_id is not None and not _has_begun(lines[each.pk])]
    older = steps_of(old)
    return [
        Row(
            each,
            tuple(lines[each.pk]),
            tuple(decisions.get(each.pk, ())),
            tuple(older.get(each.job_id or 0, ())),
        )
        for each in deployments
    ]


def _has_begun(lines: list[StageLine]) -> bool:
    return any(line.stage is not None for line in lines)


def _begun(job: Job | None) -> bool:
    return job is not None and job.started_at is not None

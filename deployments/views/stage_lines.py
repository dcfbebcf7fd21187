"""The stages of a deployment as people see them: those that were, the one that is, and those to come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from builds.models import Build, Job, Step
from builds.pipeline.delivery import Rollout
from builds.states import BROKEN, Status
from deployments.models import Deployment, ProbeResult, Stage, StageKind
from deployments.states import FINAL, DeploymentStatus
from deployments.views.stored import rollout_of

_S = DeploymentStatus
_DOES_SOMETHING = ("run", "push", "deploy")


@dataclass(frozen=True, kw_only=True)
class StageLine:
    """One share; `stage` is None where it has not begun."""

    percent: float
    stage: Stage | None = None
    probes: tuple[ProbeResult, ...] = ()
    steps: tuple[Step, ...] = ()
    checks: tuple[Step, ...] = ()
    is_given_up: bool = False  # its deployment ended before it did
    is_unknown: bool = False  # nobody knows how far it came

    @property
    def is_rollback(self) -> bool:
        """Whether it brings the release before back."""
        return self.stage is not None and self.stage.kind == StageKind.ROLLBACK

    @property
    def is_baking(self) -> bool:
        """Whether it is right, and has to stay so for a while."""
        stage = self.stage
        return stage is not None and stage.right_at is not None and stage.ended_at is None and bool(stage.bakes_until)

    @property
    def is_looked_at(self) -> bool:
        """Whether its probes are asked now."""
        return self.stage is not None and self.stage.look_at is not None

    @property
    def state(self) -> str:
        """The state whose drawing stands for it; "" before it begins."""
        stage = self.stage
        if stage is None:
            return "skipped" if self.is_given_up else ""
        if stage.ended_at is not None:
            return "passed" if stage.passed else "failed"
        if self.is_given_up or self.is_unknown:
            return "cancelled" if self.is_given_up else "unknown"
        return "running" if _begun(stage.job) else "queued"

    @property
    def words(self) -> str:
        """What happens in it."""
        stage = self.stage
        if stage is None:
            return "not reached" if self.is_given_up else "to come"
        if stage.ended_at is not None:
            return "passed" if stage.passed else "failed"
        if self.is_given_up or self.is_unknown:
            return "broken off" if self.is_given_up else "nobody knows how far it came"
        if stage.rolled_out_at is None:
            return "its steps run" if _begun(stage.job) else "waits for a runner"
        if stage.right_at is None:
            return "is looked at"
        return "bakes" if stage.bakes_until else "is right"

    @property
    def wrong(self) -> tuple[ProbeResult, ...]:
        """The probes whose last answer was wrong."""
        return tuple(probe for probe in self.probes if not probe.is_right)

    @property
    def telling(self) -> Step | None:
        """The step whose log says most."""
        return telling(self.checks if any(step.status in BROKEN for step in self.checks) else self.steps)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, or its deployment did."""
        return self.stage.ended_at if self.stage else None


def _begun(job: Job | None) -> bool:
    return job is not None and job.started_at is not None


def lines_of(deployments: Sequence[Deployment]) -> dict[int, list[StageLine]]:
    """The stages of each deployment, by its key; those to come where it is on its way. Four queries, however many."""
    stages = Stage.objects.filter(deployment__in=deployments).select_related("job", "check_job", "release__build")
    found = list(stages.defer("job__spec", "check_job__spec", "release__build__plan").prefetch_related("probes"))
    steps = steps_of([job for each in found for job in (each.job_id, each.check_job_id) if job is not None])
    begun: dict[int, list[StageLine]] = {}
    for stage in found:
        line = StageLine(
            percent=stage.percent,
            stage=stage,
            probes=tuple(stage.probes.all()),
            steps=_newest(steps.get(stage.job_id or 0, [])),
            checks=_newest(steps.get(stage.check_job_id or 0, [])),
        )
        begun.setdefault(stage.deployment_id, []).append(line)
    rollouts = rollouts_of([each for each in deployments if _has_more(each)])
    return {each.pk: _with_those_to_come(each, begun.get(each.pk, []), rollouts.get(each.pk)) for each in deployments}


def rollouts_of(deployments: Iterable[Deployment]) -> dict[int, Rollout]:
    """How each goes out, as its own release's plan says: one query, and no whole plan is read."""
    wanted = list(deployments)
    builds = {each.release.build_id for each in wanted}
    plans = dict(Build.objects.filter(pk__in=builds).values_list("pk", "plan__deployments")) if builds else {}
    return {each.pk: rollout_of(plans.get(each.release.build_id), each.environment.name) for each in wanted}


def steps_of(jobs: Sequence[int]) -> dict[int, list[Step]]:
    """The steps of jobs, in the order of reading."""
    found: dict[int, list[Step]] = {}
    for step in Step.objects.filter(job__in=jobs).order_by("attempt", "position") if jobs else ():
        found.setdefault(step.job_id, []).append(step)
    return found


def telling(steps: Sequence[Step]) -> Step | None:
    """The step to look at: the failed one, else the running one, else the last that ran, else the first."""
    doing = [step for step in steps if step.kind in _DOES_SOMETHING]
    for wanted in (BROKEN, {Status.RUNNING}):
        found = [step for step in doing if step.status in wanted]
        if found:
            return found[0]
    ran = [step for step in doing if step.started_at is not None]
    return ran[-1] if ran else next(iter(doing), None)


def _newest(steps: list[Step]) -> tuple[Step, ...]:
    last = steps[-1].attempt if steps else 0
    return tuple(step for step in steps if step.attempt == last)


def _has_more(deployment: Deployment) -> bool:
    """Whether the stages that have not begun are shown."""
    return deployment.status != _S.LIVE and deployment.live_at is None


def _with_those_to_come(deployment: Deployment, begun: list[StageLine], rollout: Rollout | None) -> list[StageLine]:
    lines = [_fated(line, deployment.status) for line in begun]
    if rollout is None:
        return lines
    percents = (100.0,) if deployment.is_rollback else (*rollout.percents, 100.0)
    reached = max((line.percent for line in lines if not line.is_rollback), default=0.0)
    over = deployment.status in FINAL | {_S.ROLLING_BACK}
    to_come = [StageLine(percent=percent, is_given_up=over) for percent in percents if percent > reached]
    back = [line for line in lines if line.is_rollback]
    return [*(line for line in lines if not line.is_rollback), *to_come, *back]


def _fated(line: StageLine, status: str) -> StageLine:
    """What its deployment's state means for a stage that never ended."""
    if line.ended_at is not None:
        return line
    return replace(line, is_given_up=status in FINAL | {_S.LIVE}, is_unknown=status == _S.UNKNOWN)

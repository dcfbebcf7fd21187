"""Look once at a deployment of which nobody knows what became of it. What is seen helps a person decide; nothing moves.

Its addresses are opened, its commands run, and every target is asked whether this release is what runs there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from builds.pipeline.plan import pipeline_from_json
from deployments.models import Deployment, Stage
from deployments.services.move import hold, note
from deployments.services.open_stage import open_stage
from deployments.services.settle import stage_of
from deployments.services.verify import enqueue_check, rollout_of
from deployments.states import DeploymentStatus
from runners.contract import PipelineSpec, StepKind, StepSpec

WHO = "clock"


def check_again(deployment: Deployment, *, who: str) -> bool:
    """Have it looked at; what is seen comes into the rows of its stage. Waits for nothing.

    False: it is not unknown any more, is being looked at, or its plan names nothing to look at.
    """
    with transaction.atomic():
        hold(deployment.environment_id)
        stage = _stage(deployment.pk)
        if stage is None or (stage.check_job is not None and not stage.check_job.is_final):
            return False
        questions = _questions(stage)
        probes = rollout_of(stage).probes
        if questions is None and not probes:
            return False
        stage.check_job = enqueue_check(stage, questions) if questions else None
        stage.look_at = timezone.now() if probes else None
        stage.save(update_fields=["check_job", "look_at"])
        note(stage.deployment.pk, stage.deployment.status, who=who, reason="It is looked at once more")
    return True


def check_by_itself(deployment_id: int) -> bool:
    """The same, once, when it has just become unknown."""
    deployment = Deployment.objects.filter(pk=deployment_id).first()
    if deployment is None or deployment.moves.filter(came_from=DeploymentStatus.UNKNOWN, who=WHO).exists():
        return False
    return check_again(deployment, who=WHO)


def _stage(deployment_id: int) -> Stage | None:
    """The stage that it is in, if it is unknown."""
    found = Deployment.objects.select_related("environment", "release__build", "job")
    deployment = found.filter(pk=deployment_id, status=DeploymentStatus.UNKNOWN).first()
    if deployment is None:
        return None
    stage = open_stage(deployment)
    return stage_of(deployment, deployment.job) if stage is None and deployment.job is not None else stage


def _questions(stage: Stage) -> PipelineSpec | None:
    """One job: every target is asked, then the commands run. With what the stage's own steps ran with."""
    checks = rollout_of(stage).checks
    ran = pipeline_from_json(stage.job.spec) if stage.job else None
    asked = tuple(_asking(ran.steps)) if ran else ()
    if ran is None or not asked:
        return checks
    if checks is None:
        return replace(_only_looking(ran), steps=asked)
    services = {each.name: each for each in (*ran.services, *checks.services)}
    return replace(checks, steps=(*asked, *checks.steps), services=tuple(services.values()))


def _asking(steps: tuple[StepSpec, ...]) -> Iterator[StepSpec]:
    """The deploy steps, wherever they stand, each as a question."""
    for step in steps:
        if step.kind == StepKind.DEPLOY and step.target is not None and not step.skip:
            target = replace(step.target, asks=True)
            yield replace(step, target=target, retries=0, allow_failure=False, on_fail=())
        yield from _asking(step.steps)


def _only_looking(ran: PipelineSpec) -> PipelineSpec:
    """The same job without what outlives it."""
    return replace(ran, artifacts=(), caches=(), tests=(), split=None, retries=0, attempts=None, allow_failure=False)

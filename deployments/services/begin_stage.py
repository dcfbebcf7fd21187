"""Begin a stage: its row and its job, in the caller's transaction, which holds the environment."""

from __future__ import annotations

from dataclasses import replace

from builds.models.job import JobKind
from builds.pipeline.plan import EnvironmentPlan
from builds.services.enqueue import enqueue
from deployments.models import Deployment, Release, Stage, StageKind
from deployments.services.releases import pinned
from runners.contract import PipelineSpec

# People wait for a release; a test run can wait for it.
PRIORITY = 10
# What is broken for users goes before what is new for them.
URGENT = 20


def begin_stage(
    deployment: Deployment, release: Release, plan: EnvironmentPlan, *, kind: StageKind, percent: float = 100.0
) -> Stage:
    """Have `percent` of the environment brought to `release`, as `plan`, which is that release's own, says."""
    last = deployment.stages.order_by("-number").first()
    stage = Stage(deployment=deployment, number=last.number + 1 if last else 1, kind=kind, percent=percent)
    stage.release = release
    stage.job = enqueue(
        release.build,
        pinned(release, _steps(stage, plan)),
        kind=JobKind.DEPLOYMENT,
        variables=variables(stage),
        priority=URGENT if is_back(stage) else PRIORITY,
    )
    stage.save()
    deployment.job = stage.job
    deployment.save(update_fields=["job"])
    return stage


def _steps(stage: Stage, plan: EnvironmentPlan) -> PipelineSpec:
    """What it runs, by a name that tells it from the stages beside it."""
    back = plan.rollout.rollback.pipeline if is_back(stage) else None
    name = stage.deployment.environment.name
    if is_back(stage):
        name = f"{name} back to {stage.release}"
    elif stage.percent < 100:
        name = f"{name} {stage.percent:g} %"
    return replace(back or plan.pipeline, name=name)


def is_back(stage: Stage) -> bool:
    """Whether it brings an earlier release back."""
    return stage.kind == StageKind.ROLLBACK or stage.deployment.is_rollback


def variables(stage: Stage) -> dict[str, str]:
    """What the steps are told beside the build's own variables; numbers of releases, "" where there was none before."""
    deployment = stage.deployment
    before = deployment.release if stage.kind == StageKind.ROLLBACK else deployment.previous
    return {
        "CI_ENVIRONMENT": deployment.environment.name,
        "CI_RELEASE": str(stage.release.number),
        "CI_PREVIOUS_RELEASE": str(before.number) if before else "",
        "CI_PREVIOUS_COMMIT_ID": before.commit if before else "",
        "CI_DEPLOYMENT_ID": str(deployment.uuid),
        "CI_ROLLBACK": "true" if is_back(stage) else "false",
        "CI_ROLLOUT_PERCENT": f"{stage.percent:g}",
    }

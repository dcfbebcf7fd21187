"""A project whose builds deploy: main to staging, then production."""

from __future__ import annotations

from datetime import datetime

import pytest

from builds.models import Build, Job, Step
from builds.pipeline.delivery import Gates, Rollout
from builds.pipeline.plan import EnvironmentPlan, Plan, plan_to_json
from builds.services.move import move_build, move_job
from builds.states import Status
from deployments.models import Deployment, Environment
from deployments.services.sweep import sweep
from runners.contract import PipelineSpec, StepSpec


def environment_plan(
    name: str, *, gates: Gates | None = None, rollout: Rollout | None = None, **values
) -> EnvironmentPlan:
    """One entry under `deployments:`, with one step."""
    return EnvironmentPlan(
        name=name,
        pipeline=steps(f"./deploy {name}", name=name),
        gates=gates or Gates(branches=(values["branch"],) if values.get("branch") else ()),
        rollout=rollout or Rollout(),
        **values,
    )


def steps(script: str, *, name: str = "staging") -> PipelineSpec:
    """A pipeline of one step."""
    return PipelineSpec(name=name, steps=(StepSpec(name="deploy", script=script),))


STAGING = environment_plan("staging", branch="main", applies=True)
PRODUCTION = environment_plan("production", after="staging", applies=True)


@pytest.fixture
def release(project, make_build, db, django_capture_on_commit_callbacks):
    """Lets a build of these environments pass, with all that follows from it; returns the build."""

    def release(*plans: EnvironmentPlan, **fields) -> Build:
        plan = Plan(source="ciservice.yml", pipelines=(), deployments=plans or (STAGING, PRODUCTION))
        build = make_build(plan=plan_to_json(plan), **fields)
        build.planned_at = build.created_at
        build.save()
        with django_capture_on_commit_callbacks(execute=True):
            move_build(build.pk, Status.RUNNING)
            move_build(build.pk, Status.PASSED)
        build.refresh_from_db()
        return build

    return release


@pytest.fixture
def end(django_capture_on_commit_callbacks):
    """Has a runner take the deployment's newest job and end it so; `began`: its step had begun."""

    def end(
        deployment: Deployment, to: Status = Status.PASSED, *, failure: str = "", reason: str = "", began: bool = False
    ) -> Deployment:
        deployment.refresh_from_db()
        with django_capture_on_commit_callbacks(execute=True):
            move_job(deployment.job_id, Status.RUNNING, fields={"owner": "runner-1", "epoch": 1})
            if began:
                started = {"started_at": deployment.created_at, "name": "deploy"}
                Step.objects.create(job_id=deployment.job_id, attempt=1, path="0", position=0, **started)
            move_job(deployment.job_id, to, reason=reason, fields={"failure": failure})
        deployment.refresh_from_db()
        return deployment

    return end


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    """`with commits():` does what follows from the commits inside."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def clock(time_machine):
    """Puts the clock to a moment, where it stands still; at first to a Friday noon."""

    def clock(moment: str) -> None:
        time_machine.move_to(datetime.fromisoformat(moment), tick=False)

    clock("2026-11-27T12:00:00+00:00")
    return clock


@pytest.fixture
def ticks(clock, commits):
    """The clock comes to a moment, and the service looks for what is due."""

    def ticks(moment: str) -> None:
        clock(moment)
        with commits():
            sweep()

    return ticks


@pytest.fixture
def place(project):
    """The environment with this name."""
    return lambda name: Environment.objects.get(project=project, name=name)


def of(build: Build, name: str) -> Deployment:
    """The newest deployment of a build's release to an environment."""
    return Deployment.objects.filter(release__build=build, environment__name=name).latest("id")


def deployment_jobs() -> int:
    """How many jobs were ever made to deploy."""
    return Job.objects.filter(kind="deployment").count()

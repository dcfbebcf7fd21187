"""kill -9 of a runner at every stage of a deployment: what becomes of it, and what its page says. Nothing goes out twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from builds.models import Job, Project
from builds.models.job import JobKind
from builds.pipeline.delivery import Gates, Rollback, Rollout
from builds.pipeline.plan import EnvironmentPlan, Plan, plan_to_json
from builds.states import Status
from deployments.models import Deployment
from deployments.services.releases import make_release
from deployments.services.request import request_for_build
from runners.contract import PipelineSpec, StepSpec
from tests import servers
from tests.faults.crash import SECONDS, Crash
from tests.faults.harness import ROOT
from tests.faults.test_crash_points import crash

pytestmark = pytest.mark.timeout(400)

PAGE = ROOT / "docs" / "deploying.md"
LOST = "was lost. It was deploying, so nobody knows how far it came; it is not tried again by itself."
RUN = "runners.executors.fake.FakeWorkspace.run"
BACK = Rollback(automatic=True)


@dataclass(frozen=True, kw_only=True)
class Killed:
    """Where the runner dies, and what comes of that."""

    stage: str  # for people: a row of the table in docs/deploying.md
    crash: Crash
    becomes: str
    says: str  # on the deployment's page
    script: str = "print out"
    rollout: Rollout = field(default_factory=Rollout)
    stages: int = 1
    jobs: int = 1  # that ever ran to bring it out or back

    @property
    def name(self) -> str:
        """Of the environment, and the label of the runner that dies there."""
        return "-".join(self.stage.replace(",", "").split())[:60]


CANARY = Rollout(percents=(10.0,), rollback=BACK)
KILLED = [
    Killed(
        stage="as it takes the job",
        crash=Crash(point="builds.services.claim._own"),
        becomes="live",
        says="live",
    ),
    Killed(
        stage="before the first step",
        crash=Crash(point="builds.services.run.job_spec"),
        becomes="unknown",
        says=LOST,
    ),
    Killed(
        stage="while a step runs",
        crash=Crash(point=RUN, when="before"),
        becomes="unknown",
        says=LOST,
    ),
    Killed(
        stage="after the last step, before its end is written",
        crash=Crash(point="builds.services.run.finish", when="before"),
        becomes="unknown",
        says=LOST,
    ),
    Killed(
        stage="after its end is written, before anybody is told",
        crash=Crash(point="builds.receivers.announce_job", when="before", turn=2),
        becomes="live",
        says="live",
    ),
    Killed(
        stage="as the deployment is moved on",
        crash=Crash(point="deployments.services.settle.rolled_out"),
        becomes="live",
        says="live",
    ),
    Killed(
        stage="in the second share of a canary",
        crash=Crash(point=RUN, when="before", turn=2),
        rollout=CANARY,
        becomes="unknown",
        says=LOST,
        stages=2,
        jobs=2,
    ),
    Killed(
        stage="while its checks run",
        crash=Crash(point=RUN, when="before", turn=2),
        rollout=Rollout(checks=PipelineSpec(name="checks", steps=(StepSpec(name="smoke", script="print fine"),))),
        becomes="live",
        says="live",
    ),
    Killed(
        stage="while it is brought back",
        crash=Crash(point=RUN, when="before", turn=2),
        script="exit 1",
        rollout=Rollout(rollback=BACK),
        becomes="unknown",
        says=LOST,
        stages=2,
        jobs=2,
    ),
]


@pytest.fixture
def house(house):
    """With leases that no busy machine makes run out: those of the dead are ended by hand."""
    house.settings["LEASE_SECONDS"] = "60"
    return house


@pytest.fixture
def deployments(project: Project, make_build, organization) -> dict[str, Deployment]:
    """One on its way for each case, in an environment of its own where an earlier release is live."""
    organization.concurrency = 1000
    organization.save()
    now = timezone.now()
    ended = {"status": Status.PASSED, "planned_at": now, "finished_at": now}
    earlier = make_build(plan=_plan("print out"), **ended)
    request_for_build(earlier.pk)
    Deployment.objects.update(status="live", live_at=timezone.now(), started_at=timezone.now())
    Job.objects.filter(kind=JobKind.DEPLOYMENT).delete()
    later = make_build(plan=_plan(), commit="b" * 40, **ended)
    make_release(later)
    request_for_build(later.pk)
    found = {case.name: Deployment.objects.get(environment__name=case.name, release__build=later) for case in KILLED}
    servers.wait_until(
        lambda: Job.objects.filter(kind=JobKind.DEPLOYMENT).count() == len(KILLED), what="a job for each"
    )
    return found


def _plan(script: str = "") -> dict:
    """The configuration with an environment for each case."""
    plans = [
        EnvironmentPlan(
            name=case.name,
            branch="main",
            applies=True,
            pipeline=_labelled(case, PipelineSpec(name=case.name, steps=_steps(script or case.script))),
            gates=Gates(branches=("main",)),
            rollout=replace(case.rollout, checks=case.rollout.checks and _labelled(case, case.rollout.checks)),
        )
        for case in KILLED
    ]
    return plan_to_json(Plan(source="ciservice.yml", pipelines=(), deployments=tuple(plans)))


def _steps(script: str) -> tuple[StepSpec, ...]:
    return (StepSpec(name="deploy", script=script),)


def _labelled(case: Killed, pipeline: PipelineSpec) -> PipelineSpec:
    return replace(pipeline, labels=(case.name,))


def _for_itself(case: Killed) -> Crash:
    """The crash in a runner that takes only this case's jobs."""
    alone = {"REAP_SECONDS": 3600, "HEARTBEAT_SECONDS": 0.2, "RUNNER_CAPACITY": 1}
    return replace(case.crash, settings={"RUNNER_NAME": case.name, "RUNNER_LABELS": [case.name], **alone})


def test_a_runner_killed_at_every_stage(house, deployments, client, owner):
    crash(house, *(_for_itself(case) for case in KILLED))
    Job.objects.filter(status=Status.RUNNING).update(lease_expires_at=Now() - timedelta(seconds=1))
    house.runner("last", RUNNER_LABELS=",".join(case.name for case in KILLED), RUNNER_CAPACITY="6")
    house.worker()
    house.beat()
    client.force_login(owner)
    for case in KILLED:
        deployment = deployments[case.name]
        servers.wait_until(lambda d=deployment, c=case: _is(d, c.becomes), seconds=SECONDS, what=f"{case.stage}")
        page = client.get(reverse("deployment", args=[deployment.environment.project.uuid, deployment.uuid]))
        assert case.says in page.content.decode(), case.stage
        brought = Job.objects.filter(stage__deployment=deployment)
        assert (deployment.stages.count(), brought.count()) == (case.stages, case.jobs), case.stage
        assert all(job.attempt <= 1 for job in brought), f"{case.stage}: brought out more than once"


def _is(deployment: Deployment, status: str) -> bool:
    deployment.refresh_from_db()
    return deployment.status == status


def test_the_table_of_the_documentation_is_this_one():
    rows = Path(PAGE).read_text()
    for case in KILLED:
        assert f"| {case.stage} | `{case.becomes}` |" in rows, case.stage

"""A runner that freezes or is shut down while it deploys: what it says afterwards counts for nothing, and nothing goes out twice."""

from __future__ import annotations

import signal

import pytest
from django.utils import timezone

from builds.pipeline.delivery import Gates, Rollout
from builds.pipeline.plan import EnvironmentPlan, Plan, plan_to_json
from builds.states import Status
from deployments.models import Deployment
from deployments.services.request import request_for_build
from deployments.services.resolve import resolve
from deployments.services.settle import settle
from runners.contract import PipelineSpec, StepSpec
from tests import servers
from tests.faults.harness import until, until_printing


@pytest.fixture
def deploying(make_build):
    """A deployment to staging whose one step is this script, waiting for a runner."""

    def deploying(script: str, **rollout: object) -> Deployment:
        pipeline = PipelineSpec(name="staging", steps=(StepSpec(name="deploy", script=script),))
        gates, how = Gates(branches=("main",)), Rollout(**rollout)
        place = EnvironmentPlan(
            name="staging", branch="main", applies=True, pipeline=pipeline, gates=gates, rollout=how
        )
        plan = plan_to_json(Plan(source="ciservice.yml", pipelines=(), deployments=(place,)))
        now = timezone.now()
        build = make_build(plan=plan, status=Status.PASSED, planned_at=now, finished_at=now)
        request_for_build(build.pk)
        return Deployment.objects.select_related("job").get(release__build=build)

    return deploying


def until_it_is(deployment: Deployment, status: str) -> None:
    def is_so() -> bool:
        deployment.refresh_from_db()
        return deployment.status == status

    servers.wait_until(is_so, seconds=60, what=f"{deployment} to be {status}")


@pytest.mark.parametrize(("went_live", "state"), [(True, "live"), (False, "failed")])
def test_a_frozen_runner_wakes_up_as_a_ghost_and_changes_nothing(house, deploying, went_live, state):
    deployment = deploying("print out\nsleep 6\nprint last words")
    job = deployment.job
    ghost = house.runner("runner-a")
    until_printing(job)
    ghost.send(signal.SIGSTOP)
    house.runner("runner-b")
    house.worker()
    house.beat()
    until_it_is(deployment, "unknown")
    assert "nobody knows how far it came" in deployment.reason
    resolve(deployment, went_live=went_live, who="ada@example.com")
    ghost.send(signal.SIGCONT)
    servers.wait_until(lambda: "not ours any more" in ghost.log.read_text(), what="the ghost to be told")
    job.refresh_from_db()
    deployment.refresh_from_db()
    assert (job.status, job.attempt, job.failure) == (Status.ERRORED, 1, "runner_lost")
    assert (deployment.status, deployment.stages.count()) == (state, 1)
    assert not settle(job.pk)


def test_a_runner_that_is_shut_down_may_end_what_it_deploys(house, deploying):
    deployment = deploying("print out\nsleep 3")
    runner = house.runner()
    until_printing(deployment.job)
    runner.terminate()
    assert runner.wait(30) == 0
    until_it_is(deployment, "live")


def test_what_it_cannot_end_in_time_is_unknown(house, deploying):
    deployment = deploying("print out\nhang")
    runner = house.runner(DRAIN_SECONDS="1")
    until_printing(deployment.job)
    runner.terminate()
    assert runner.wait(30) == 0
    until_it_is(deployment, "unknown")
    assert "was shut down" in deployment.reason
    house.runner("runner-b")
    waits = deploying("print next")
    until(deployment.job, status=Status.ERRORED, attempt=1)
    waits.refresh_from_db()
    assert waits.status == "requested", "nothing else goes there before a person has looked"


def test_a_second_share_is_not_begun_by_a_runner_that_leaves(house, deploying):
    deployment = deploying("print out\nsleep 2", percents=(10.0,))
    runner = house.runner()
    until_printing(deployment.job)
    runner.terminate()
    assert runner.wait(30) == 0
    servers.wait_until(lambda: deployment.stages.count() == 2, what="the second share to wait")
    second = deployment.stages.last().job
    assert (second.status, second.attempt) == (Status.QUEUED, 0)
    house.runner("runner-b")
    until_it_is(deployment, "live")

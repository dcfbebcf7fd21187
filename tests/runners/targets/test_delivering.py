"""A deploy step on its way through the engine: what is refused, and the process of its own."""

from __future__ import annotations

import pytest

from runners.contract import Failure, Outcome, StepKind, StepSpec, Stop, StopReason, TargetSpec
from runners.engine import execute
from runners.executors import make_executor
from tests.runners.jobs import Recorder, run

RELEASE = {"CI_RELEASE": "12", "CI_ENVIRONMENT": "staging", "CI_COMMIT_ID": "c" * 40}


def deploy(kind="ssh", settings=None, **fields) -> StepSpec:
    return StepSpec(name="out", kind=StepKind.DEPLOY, target=TargetSpec(kind=kind, settings=settings or {}), **fields)


@pytest.fixture
def go(make_settings, make_job, recorder: Recorder):
    """Executes a job of the given steps on this host."""
    executor = make_executor(make_settings("process"))
    executor.open()

    def go(*steps, stop=None, environment=RELEASE, **fields):
        job = make_job(*steps, environment=environment, **fields)
        return execute(job, executor, recorder, stop or Stop())

    return go


@pytest.mark.parametrize(
    ("step", "fields", "reason"),
    [
        (deploy(), {"is_strangers": True}, "Changes from a fork are never deployed."),
        (deploy(), {"environment": {}}, "There is no release to deploy here"),
        (deploy(environment=RELEASE), {"environment": {}}, "There is no release to deploy here"),
        (StepSpec(name="out", kind=StepKind.DEPLOY), {}, "“out” does not say where to deploy to."),
    ],
)
def test_what_is_never_delivered(go, recorder, step, fields, reason):
    result = go(step, **fields)

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.SPEC)
    assert reason in result.reason
    assert reason in recorder.text(0)


def test_settings_that_cannot_be_come_back_from_the_process_as_the_projects_mistake(go, recorder):
    result = go(run("build", "true"), deploy("nothing"))

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.SPEC)
    assert result.reason == "out: There is no target “nothing”."
    assert recorder.text(1) == "There is no target “nothing”.\n"


def test_a_job_that_is_stopped_before_does_not_begin_to_deliver(go, recorder):
    stop = Stop()
    stop.order(StopReason.CANCELLED)

    assert go(deploy(), stop=stop).outcome is Outcome.CANCELLED
    assert recorder.text(0) == ""

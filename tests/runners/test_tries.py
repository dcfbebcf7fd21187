"""Steps that are run again where they fail, and steps that may fail."""

from __future__ import annotations

import dataclasses

import pytest

from runners.contract import Outcome, Stop
from runners.engine import execute
from runners.executors import make_executor
from tests.runners.jobs import parallel, run

PASSED, FAILED = Outcome.PASSED, Outcome.FAILED


@pytest.fixture
def go(make_settings, make_job, recorder):
    executor = make_executor(make_settings("process"))
    executor.open()
    yield lambda *steps, **fields: execute(make_job(*steps, **fields), executor, recorder, Stop())
    executor.close()


def with_fields(step, **fields):
    return dataclasses.replace(step, **fields)


def test_a_step_is_run_again_until_it_passes(go, recorder):
    step = with_fields(run("flaky", "echo try; echo x >> count; test $(wc -l < count) = 3"), retries=5)
    assert go(step).outcome is PASSED
    assert recorder.text(0).count("try\n") == 3
    assert "try 2 of 6" in recorder.text(0)


def test_at_most_as_often_as_it_says(go, recorder):
    assert go(with_fields(run("bad", "echo try; exit 4"), retries=1)).reason == "bad: exit code 4"
    assert recorder.text(0).count("try\n") == 2


def test_each_try_has_the_time_limit_of_the_step(go, recorder):
    script = "echo try; test -e second || { touch second; sleep 30; }"
    assert go(with_fields(run("slow", script), retries=1, timeout_seconds=1)).outcome is PASSED
    assert recorder.text(0).count("try\n") == 2


def test_what_follows_goes_on_after_a_failure_that_is_allowed(go, recorder):
    result = go(
        with_fields(run("lint", "exit 1"), allow_failure=True),
        parallel("both", with_fields(run("a", "exit 1"), allow_failure=True), run("b", "true")),
        run("unit", "echo on"),
    )
    assert result.outcome is PASSED
    outcomes = {recorder.names[path]: one.outcome for path, one in recorder.results.items()}
    assert (outcomes["lint"], outcomes["a"], outcomes["both"], outcomes["unit"]) == (FAILED, FAILED, PASSED, PASSED)

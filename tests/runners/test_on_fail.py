"""What runs when a step failed, and the groups that wait for a person; on the fake executor."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from runners.contract import Outcome, ServiceSpec, Stop, StopReason
from runners.engine import execute
from runners.executors import make_executor
from tests.runners.jobs import parallel, run, serial
from tests.servers import wait_until

PASSED, FAILED, ERRORED = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED
SKIPPED, CANCELLED = Outcome.SKIPPED, Outcome.CANCELLED


@pytest.fixture
def go(make_job, make_settings, recorder):
    """Executes a job of the given steps."""

    def go(*steps, stop: Stop | None = None, **fields):
        return execute(make_job(*steps, **fields), make_executor(make_settings("fake")), recorder, stop or Stop())

    return go


def outcomes(recorder) -> dict[str, Outcome]:
    return {recorder.names[path]: result.outcome for path, result in sorted(recorder.results.items())}


def test_it_runs_after_the_failed_step_and_before_the_rest_is_left_out(go, recorder):
    failing = run("test", "exit 1", on_fail=(run("tell", "print it broke"), run("dump", "print all")))

    result = go(failing, run("deploy", "exit 0"))

    assert (result.outcome, result.reason) == (FAILED, "test: exit code 1")
    assert outcomes(recorder) == {"test": FAILED, "tell": PASSED, "dump": PASSED, "deploy": SKIPPED}
    assert [name for what, name in recorder.events if what == "finished"] == ["test", "tell", "dump", "deploy"]
    assert recorder.text(0, 0) == "it broke\n"


def test_it_is_left_out_where_the_step_passed_or_never_ran(go, recorder):
    go(
        run("good", "exit 0", on_fail=(run("a", "print a"),)),
        run("other", "exit 0", skip="only for master", on_fail=(run("b", "print b", skip="only for master"),)),
        run("bad", "exit 1"),
        serial("late", run("inner", "exit 0", on_fail=(run("c", "print c"),)), on_fail=(run("d", "print d"),)),
    )

    assert {name: recorder.result(name).reason for name in "abcd"} == {
        "a": "only where “good” fails",
        "b": "only for master",
        "c": "“bad” did not pass",
        "d": "“bad” did not pass",
    }
    assert {recorder.result(name).outcome for name in "abcd"} == {SKIPPED}


def test_its_own_failure_ends_it_and_changes_nothing(go, recorder):
    failing = run("test", "exit 7", on_fail=(run("tell", "exit 9"), run("dump", "print all")))

    result = go(failing)

    assert (result.outcome, result.reason) == (FAILED, "test: exit code 7")
    assert outcomes(recorder) == {"test": FAILED, "tell": FAILED, "dump": SKIPPED}


def test_the_innermost_comes_first_and_what_it_does_may_fail_in_turn(go, recorder):
    mend = run("mend", "exit 2", on_fail=(run("give up", "print sorry"),))
    inner = serial("inner", run("test", "exit 1", on_fail=(mend,)), on_fail=(run("inner told", "print i"),))

    go(serial("outer", inner, on_fail=(run("outer told", "print o"),)))

    ran = [name for what, name in recorder.events if what == "started"]
    assert ran == ["outer", "inner", "test", "mend", "give up", "inner told", "outer told"]
    assert recorder.text(0, 0, 0, 0, 0) == "sorry\n"
    assert recorder.text(0, 0, 1) == "i\n"
    assert recorder.text(0, 1) == "o\n"


def test_a_group_tells_of_any_of_its_steps_once(go, recorder):
    both = (run("a", "exit 1"), run("b", "exit 1"), run("c", "exit 0"))

    go(parallel("all", *both, on_fail=(run("told", "print once"),)))

    assert outcomes(recorder) == {"all": FAILED, "a": FAILED, "b": FAILED, "c": PASSED, "told": PASSED}


def test_it_does_not_run_for_what_is_our_fault(go, recorder):
    result = go(run("test", "infra gone", on_fail=(run("tell", "print x"),)))

    assert result.outcome is ERRORED
    assert recorder.result("tell").outcome is SKIPPED


def test_it_does_not_run_once_the_job_is_stopped(go, recorder):
    stop = Stop()
    step = run("test", "hang", on_fail=(run("tell", "print x"),))
    thread = threading.Thread(target=go, args=(step,), kwargs={"stop": stop})
    thread.start()
    wait_until(lambda: ("started", "test") in recorder.events, seconds=20, what="the step")
    stop.order(StopReason.CANCELLED)
    thread.join(20)

    assert outcomes(recorder) == {"test": CANCELLED, "tell": SKIPPED}


def test_a_refused_service_is_told_of_too(go, recorder):
    services = [ServiceSpec(name="bad", image="x", refused="f:1: no."), ServiceSpec(name="app", image="x")]

    go(run("test", "exit 0", service="bad", on_fail=(run("tell", "print x", service="app"),)), services=services)

    assert outcomes(recorder) == {"test": FAILED, "tell": PASSED}


MANUAL = replace(serial("release", run("ship", "print shipped")), is_manual=True)


def test_a_manual_group_waits_once_everything_before_it_passed(go, recorder):
    result = go(run("test", "exit 0"), MANUAL)

    assert (result.outcome, result.awaits_approval) == (PASSED, True)
    assert outcomes(recorder) == {"test": PASSED, "release": SKIPPED, "ship": SKIPPED}
    assert recorder.result("release").reason == recorder.result("ship").reason == "waits for approval"


def test_approved_it_all_runs(go, recorder):
    result = go(run("test", "exit 0"), MANUAL, is_approved=True)

    assert (result.outcome, result.awaits_approval) == (PASSED, False)
    assert outcomes(recorder) == {"test": PASSED, "release": PASSED, "ship": PASSED}


@pytest.mark.parametrize("steps", [(run("test", "exit 1"), MANUAL), (run("test", "infra gone"), MANUAL)])
def test_what_did_not_pass_asks_nobody(go, steps):
    assert not go(*steps).awaits_approval


def test_a_manual_group_for_other_branches_asks_nobody(go):
    result = go(run("test", "exit 0"), replace(MANUAL, skip="only for master"))

    assert (result.outcome, result.awaits_approval) == (PASSED, False)


def test_a_file_that_only_waits_needs_no_workspace(make_job, recorder):
    result = execute(make_job(MANUAL), None, recorder, Stop())

    assert (result.outcome, result.awaits_approval) == (PASSED, True)


def test_a_stopped_job_asks_nobody(go):
    stop = Stop()
    stop.order(StopReason.DRAINED)

    assert not go(run("test", "exit 0"), MANUAL, stop=stop).awaits_approval

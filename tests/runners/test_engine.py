"""The walk over a job's steps, seen by its observer; on the fake executor."""

from __future__ import annotations

import threading

import pytest

from runners.contract import Failure, Outcome, PushSpec, ServiceSpec, StepKind, StepSpec, Stop, StopReason
from runners.engine import MOST_THREADS, execute
from runners.executors import make_executor
from tests.runners.jobs import parallel, run, serial
from tests.servers import wait_until

PASSED, FAILED, ERRORED = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED
CANCELLED, SKIPPED = Outcome.CANCELLED, Outcome.SKIPPED
APP = ServiceSpec(name="app", image="app")


@pytest.fixture
def executor(make_settings):
    return make_executor(make_settings("fake"))


@pytest.fixture
def go(executor, make_job, recorder):
    """Executes a job of the given steps."""

    def go(*steps: StepSpec, stop: Stop | None = None, **fields):
        return execute(make_job(*steps, **fields), executor, recorder, stop or Stop())

    return go


def outcomes(recorder) -> dict[str, Outcome]:
    return {recorder.names[path]: result.outcome for path, result in sorted(recorder.results.items())}


def started(recorder) -> list[str]:
    return [name for what, name in recorder.events if what == "started"]


def test_steps_run_in_order_and_the_job_passes(go, recorder):
    result = go(run("build", "print one"), run("test", "print two"))

    assert result.outcome is PASSED
    assert result.reason == ""
    assert recorder.events == [("started", "build"), ("finished", "build"), ("started", "test"), ("finished", "test")]
    assert recorder.text(1) == "two\n"


def test_a_job_without_steps_passes(go):
    assert go().outcome is PASSED


def test_the_first_failing_step_ends_the_job_and_the_rest_is_skipped(go, recorder):
    result = go(run("build", "exit 0"), run("test", "exit 3"), run("deploy", "exit 0"))

    assert (result.outcome, result.failure, result.reason) == (FAILED, Failure.EXIT_CODE, "test: exit code 3")
    assert result.retry is False
    assert outcomes(recorder) == {"build": PASSED, "test": FAILED, "deploy": SKIPPED}
    assert recorder.result("test").exit_code == 3
    assert recorder.result("deploy").reason == "“test” did not pass"
    assert "deploy" not in started(recorder)


def test_the_page_says_the_exit_code_not_the_log(go, recorder):
    go(run("test", "print output\nexit 3"))

    assert recorder.text(0).endswith("workspace\noutput\n")


def test_groups_are_told_with_their_steps(go, recorder):
    go(serial("group", run("a", "exit 0"), run("b", "exit 0")))

    assert recorder.events == [
        ("started", "group"),
        ("started", "a"),
        ("finished", "a"),
        ("started", "b"),
        ("finished", "b"),
        ("finished", "group"),
    ]
    assert sorted(recorder.results) == [(0,), (0, 0), (0, 1)]


def test_parallel_steps_run_together(go, recorder):
    """Each waits until a stop that comes only when all of them have begun."""
    stop = Stop()
    names = ["a", "b", "c"]

    def begun() -> bool:
        return [name for name in started(recorder) if name in names] and len(started(recorder)) == 4

    waiter = threading.Thread(target=lambda: wait_until(begun) and stop.order(StopReason.CANCELLED))
    waiter.start()
    result = go(parallel("all", *(run(name, "hang") for name in names)), stop=stop)
    waiter.join()

    assert result.outcome is CANCELLED


def test_siblings_finish_when_a_parallel_step_fails(go, recorder):
    result = go(parallel("all", run("bad", "exit 1"), run("slow", "sleep 0.2\nprint done")), run("after", "exit 0"))

    assert (result.outcome, result.reason) == (FAILED, "bad: exit code 1")
    assert outcomes(recorder) == {"all": FAILED, "bad": FAILED, "slow": PASSED, "after": SKIPPED}


def test_groups_nest(go, recorder):
    result = go(
        parallel(
            "both",
            serial(
                "left", run("l1", "exit 0"), parallel("deep", run("d1", "exit 2"), run("d2", "exit 0")), run("l3", "")
            ),
            serial("right", run("r1", "exit 0")),
        )
    )

    assert (result.outcome, result.reason) == (FAILED, "d1: exit code 2")
    assert outcomes(recorder) == {
        "both": FAILED,
        "left": FAILED,
        "l1": PASSED,
        "deep": FAILED,
        "d1": FAILED,
        "d2": PASSED,
        "l3": SKIPPED,
        "right": PASSED,
        "r1": PASSED,
    }


def test_a_wide_tree_needs_only_so_many_threads(go, recorder):
    most = 0

    def look(*_: object) -> None:
        nonlocal most
        most = max(most, sum(thread.name.startswith("step-") for thread in threading.enumerate()))

    recorder.output = look
    rows = [parallel(f"row {row}", *(run(f"{row}.{i}", "print x") for i in range(40))) for row in range(10)]

    assert go(parallel("wide", *rows)).outcome is PASSED
    assert 1 < most < MOST_THREADS


def test_what_the_plan_leaves_out_is_skipped_with_its_reason(go, recorder):
    result = go(run("always", "exit 0"), run("tagged", "exit 1", skip="only for tag v*"), run("last", "exit 0"))

    assert result.outcome is PASSED
    assert outcomes(recorder) == {"always": PASSED, "tagged": SKIPPED, "last": PASSED}
    assert recorder.result("tagged").reason == "only for tag v*"


def test_a_left_out_group_leaves_out_its_steps(go, recorder):
    go(serial("release", run("push", "exit 1"), skip="only for main"))

    assert outcomes(recorder) == {"release": SKIPPED, "push": SKIPPED}
    assert recorder.result("push").reason == "only for main"


def test_a_job_of_which_nothing_runs_passes_without_a_workspace(go, recorder):
    result = go(run("tagged", "exit 1", skip="only for tag v*"), environment={"FAKE_WORKSPACE": "infra no disk"})

    assert result.outcome is PASSED
    assert started(recorder) == []


def test_a_group_of_which_nothing_runs_is_skipped_not_started(go, recorder):
    go(run("a", "exit 0"), serial("g", run("x", "", skip="not this branch")), run("b", "exit 0"))

    assert outcomes(recorder) == {"a": PASSED, "g": SKIPPED, "x": SKIPPED, "b": PASSED}
    assert started(recorder) == ["a", "b"]


def test_what_the_preparation_says_opens_the_first_steps_log(go, recorder):
    go(run("skipped", "", skip="no"), run("first", "print hello"), run("second", "print again"))

    assert recorder.text(1) == "preparing the fake workspace\nhello\n"
    assert recorder.text(2) == "again\n"


def test_our_fault_is_an_error_that_may_be_tried_again(go, recorder):
    result = go(run("build", "infra the engine is gone"), run("test", "exit 0"))

    assert (result.outcome, result.failure, result.retry) == (ERRORED, Failure.ENGINE, True)
    assert result.reason == "build: the engine is gone"
    assert outcomes(recorder) == {"build": ERRORED, "test": SKIPPED}
    assert recorder.text(0).endswith("\nthe engine is gone\n")


def test_a_fault_that_stays_is_not_tried_again(go):
    result = go(run("build", "broken no such image"))

    assert (result.outcome, result.failure, result.retry) == (ERRORED, Failure.IMAGE, False)


def test_another_attempt_does_not_help_where_a_command_failed_beside_our_fault(go):
    result = go(parallel("all", run("a", "infra network"), run("b", "exit 1")))

    assert (result.outcome, result.retry) == (ERRORED, False)


def test_what_cannot_be_is_the_projects_fault(go, recorder):
    result = go(run("build", "spec There is no service db"))

    assert (result.outcome, result.failure, result.reason) == (FAILED, Failure.SPEC, "build: There is no service db")
    assert "There is no service db" in recorder.text(0)


@pytest.mark.parametrize(
    ("order", "outcome", "failure", "reason"),
    [
        ("infra no disk", ERRORED, Failure.ENGINE, "no disk"),
        ("spec .gitmodules is odd", FAILED, Failure.SPEC, ".gitmodules is odd"),
    ],
)
def test_a_workspace_that_cannot_be_made_shows_in_the_first_step(go, recorder, order, outcome, failure, reason):
    result = go(run("a", ""), run("b", ""), environment={"FAKE_WORKSPACE": order})

    assert (result.outcome, result.failure, result.reason) == (outcome, failure, f"a: {reason}")
    assert outcomes(recorder) == {"a": outcome, "b": SKIPPED}
    assert recorder.text(0) == f"preparing the fake workspace\n{reason}\n"


def test_a_mistake_of_ours_is_an_error_that_tells_nothing_inside(go, recorder, caplog):
    result = go(run("a", "crash"))

    assert (result.outcome, result.retry) == (ERRORED, True)
    assert "told to crash" not in result.reason
    assert "told to crash" in caplog.text


def test_out_of_memory_is_said_at_the_end_of_the_log(go, recorder):
    result = go(run("a", "type half a line\noom"))

    assert result.failure is Failure.OUT_OF_MEMORY
    assert recorder.text(0).endswith("half a line\nKilled: out of memory.\n")


def test_cancelling_ends_the_running_step_and_skips_the_rest(go, recorder):
    stop = Stop()
    recorder.output = lambda path, data: stop.order(StopReason.CANCELLED)

    result = go(run("a", "print x\nhang"), run("b", "exit 0"), stop=stop)

    assert (result.outcome, result.reason) == (CANCELLED, "Cancelled.")
    assert outcomes(recorder) == {"a": CANCELLED, "b": SKIPPED}


def test_a_job_cancelled_before_it_began_opens_no_workspace(go, recorder):
    stop = Stop()
    stop.order(StopReason.CANCELLED)

    result = go(run("a", "exit 0"), stop=stop, environment={"FAKE_WORKSPACE": "infra opened"})

    assert result.outcome is CANCELLED
    assert outcomes(recorder) == {"a": SKIPPED}


def test_a_step_that_had_passed_stays_passed_when_the_stop_comes(go, recorder):
    stop = Stop()
    recorder.output = lambda path, data: data == b"x\n" and stop.order(StopReason.CANCELLED)

    result = go(run("last", "print x"), stop=stop)

    assert recorder.result("last").outcome is PASSED
    assert result.outcome is PASSED


@pytest.mark.parametrize("reason", [StopReason.DRAINED, StopReason.LOST_LEASE])
def test_a_job_that_has_to_go_is_cancelled_for_its_caller_to_judge(go, recorder, reason):
    stop = Stop()
    recorder.output = lambda path, data: stop.order(reason)

    result = go(run("a", "print x\nhang"), stop=stop)

    assert result.outcome is CANCELLED
    assert result.retry is False


def test_a_ghost_writes_no_last_words(go, recorder):
    stop = Stop()
    heard = []
    recorder.output = lambda path, data: (heard.append(data), stop.order(StopReason.LOST_LEASE))

    go(run("a", "print x\nhang"), stop=stop)

    assert b"".join(heard) == b"preparing the fake workspace\n"


def test_a_step_has_its_own_time_limit(go, recorder):
    result = go(run("slow", "hang", timeout_seconds=1), run("after", "exit 0"))

    assert (result.outcome, result.failure) == (FAILED, Failure.TIMED_OUT)
    assert recorder.result("slow").reason == "Stopped: the limit of 1 s for the step passed."
    assert recorder.text(0).endswith("\nStopped: the limit of 1 s for the step passed.\n")
    assert outcomes(recorder)["after"] is SKIPPED


def test_a_step_of_a_parallel_group_times_out_alone(go, recorder):
    go(parallel("all", run("slow", "hang", timeout_seconds=1), run("good", "sleep 1.5")))

    assert outcomes(recorder) == {"all": FAILED, "slow": FAILED, "good": PASSED}


def test_the_job_has_a_time_limit(go, recorder):
    result = go(run("a", "sleep 0.5"), run("b", "hang", timeout_seconds=600), run("c", ""), timeout_seconds=1)

    assert (result.outcome, result.failure) == (FAILED, Failure.TIMED_OUT)
    assert recorder.result("b").reason == "Stopped: the limit of 1 s for the job passed."
    assert outcomes(recorder) == {"a": PASSED, "b": FAILED, "c": SKIPPED}


def test_silence_ends_a_step(go, recorder):
    result = go(run("quiet", "print last word\nhang"), silence_seconds=1)

    assert (result.outcome, result.failure) == (FAILED, Failure.SILENT)
    assert recorder.text(0).endswith("last word\nStopped: no output for 1 s.\n")


def test_a_step_that_speaks_is_not_silent(go):
    result = go(run("busy", "\n".join(["print x", "sleep 0.4"] * 5)), silence_seconds=1)

    assert result.outcome is PASSED


def test_secrets_are_hidden_in_output_and_reasons(go, recorder):
    secrets = {"TOKEN": "open sesame"}

    go(run("a", "type open \ntype sesame and on\nprint \ninfra cannot use open sesame"), secrets=secrets)

    assert "sesame" not in recorder.text(0)
    assert "[hidden] and on" in recorder.text(0)
    assert recorder.result("a").reason == "cannot use [hidden]"


def test_what_a_step_learns_is_hidden_at_once_and_in_every_later_step(go, recorder):
    result = go(run("a", "print open sesame\nlearn open sesame\nprint open sesame"), run("b", "spec not open sesame"))

    assert recorder.text(0).endswith("open sesame\n[hidden]\n")
    assert recorder.text(1) == "not [hidden]\n"
    assert result.reason == "b: not [hidden]"


def test_a_push_step_is_one_that_the_workspace_runs(go, recorder):
    go(StepSpec(name="push", kind=StepKind.PUSH, service="app", push=PushSpec(image_name="shop")), services=[APP])

    assert outcomes(recorder) == {"push": PASSED}
    assert started(recorder) == ["push"]


def test_what_the_mask_holds_back_comes_at_the_end(go, recorder):
    go(run("a", "type open ses"), secrets={"TOKEN": "open sesame"})

    assert recorder.text(0).endswith("open ses")


def test_what_the_mask_holds_back_of_one_step_is_not_mixed_with_another(go, recorder):
    left, right = run("left", "type open \nsleep 0.5"), run("right", "sleep 0.2\nprint sesame\nsleep 0.5")

    go(parallel("all", left, right), secrets={"TOKEN": "open sesame"})

    assert recorder.text(0, 0).endswith("open ")
    assert recorder.text(0, 1).endswith("sesame\n")


def test_a_log_that_cannot_be_kept_is_our_fault(go, recorder):
    def refuse(*_: object) -> None:
        raise OSError("no space left")

    recorder.output = refuse

    result = go(run("a", "print x\nhang"))

    assert (result.outcome, result.failure, result.retry) == (ERRORED, Failure.ENGINE, True)


def test_an_observer_is_told_nothing_twice(go, recorder):
    """It breaks once, in the middle; the recorder itself refuses a second end of a step."""
    finished = recorder.step_finished

    def refuse_once(path, step, result) -> None:
        finished(path, step, result)
        if step.name == "b":
            raise OSError("database is gone")

    recorder.step_finished = refuse_once

    assert go(run("a", "exit 0"), run("b", "exit 0"), run("c", "exit 0")).outcome is ERRORED
    assert started(recorder) == ["a", "b"]


def test_nothing_runs_on_for_an_observer_that_broke(go, recorder):
    started = recorder.step_started

    def refuse(path, step) -> None:
        started(path, step)
        if step.name == "bad":
            raise OSError("database is gone")

    recorder.step_started = refuse

    assert go(parallel("all", run("bad", "exit 0"), run("endless", "hang"))).outcome is ERRORED


@pytest.mark.parametrize("where", ["step_started", "step_finished"])
def test_an_observer_that_breaks_makes_an_errored_job(go, recorder, where):
    def refuse(*_: object) -> None:
        raise OSError("database is gone")

    setattr(recorder, where, refuse)

    result = go(parallel("all", run("a", "exit 0"), run("b", "exit 0")))

    assert (result.outcome, result.retry) == (ERRORED, True)


def test_the_workspace_is_left_whatever_happens(go, executor, recorder):
    recorder.step_finished = lambda *_: 1 / 0

    go(run("a", "exit 0"))

    assert executor.workspaces == set()


def test_no_thread_is_left(go):
    before = threading.active_count()

    go(parallel("all", *(run(f"s{i}", "sleep 0.05") for i in range(5))))

    assert threading.active_count() == before


def test_an_empty_group_is_skipped(go, recorder):
    assert go(StepSpec(name="none", kind=StepKind.PARALLEL)).outcome is PASSED
    assert outcomes(recorder) == {"none": SKIPPED}

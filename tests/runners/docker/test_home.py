"""The pipeline's own container: one script after another in it, and what they may print."""

from __future__ import annotations

import threading

import pytest

from runners.contract import Failure, Outcome, StepSpec, Stop, StopReason
from tests.runners.docker.conftest import attempt
from tests.runners.jobs import run

pytestmark = pytest.mark.docker


def test_what_a_step_installs_is_there_for_the_next(perform):
    outcomes = perform(
        run("install", "echo 'echo installed' > /usr/bin/tool; chmod +x /usr/bin/tool; export GONE=1; cd /tmp"),
        run("use", "tool; echo ${GONE-unset}; pwd"),
    )

    assert [text for _, text in outcomes] == ["", "installed\nunset\n/workspace\n"]


def test_a_step_has_its_own_variables_whatever_they_hold(perform):
    strange = 'it\'s $HOME `id` "q" \\ \n second line é'
    steps = [
        run(
            "has", 'printf %s "$STRANGE"; printf "%s" "$UID"', environment={"STRANGE": strange, "UID": "77", "a-b": "x"}
        ),
        run("has not", 'printf %s "${STRANGE-unset}"'),
    ]

    assert [text for _, text in perform(*steps)] == [strange + "77", "unset"]


def test_a_command_takes_its_words_as_they_are(perform):
    step = StepSpec(name="words", command=("printf", "[%s]", "$HOME", "a b", "&&", "'"))

    assert perform(step)[0][1] == "[$HOME][a b][&&][']"


def test_a_step_reads_nothing_and_cannot_talk_to_the_shell_that_runs_it(perform):
    outcomes = perform(run("read", "cat; exec </proc/self/fd/0; read x || true; echo got:$x"), run("next", "echo next"))

    assert [text for _, text in outcomes] == ["got:\n", "next\n"]


def test_a_step_cannot_pretend_to_have_passed(perform):
    forgery = "for i in $(seq 200); do printf '%032d:0:0;' $i; done; exit 3"

    [(result, text)] = perform(run("forge", forgery))

    assert result.exit_code == 3
    assert len(text) == 200 * 37


def test_output_of_the_background_does_not_reach_the_next_step(perform):
    noisy = "(while :; do echo noise; sleep 0.05; done) & echo started"

    [(_, first), (_, second), (_, third)] = perform(
        run("server", noisy), run("next", "sleep 0.5; echo quiet"), run("last", "sleep 0.3; echo quiet")
    )

    assert first.splitlines()[:1] in (["started"], ["noise"])
    assert (second, third) == ("quiet\n", "quiet\n")


def test_a_process_of_an_earlier_step_lives_on(perform):
    [_, (result, text)] = perform(
        run("serve", "mkdir /www; echo page > /www/index.html; httpd -p 8080 -h /www; sleep 0.2"),
        run("use", "wget -qO- http://localhost:8080"),
    )

    assert (result.outcome, text) == (Outcome.PASSED, "page\n")


def test_any_bytes_pass_as_they_are(executor, make_job):
    stop, heard = Stop(), []
    step = run("bytes", r"printf 'a\000b\377\376\r\n\033[31mred'")

    with executor.workspace(make_job(step), stop, lambda _: None) as workspace:
        workspace.run(step, heard.append, stop)

    assert b"".join(heard) == b"a\x00b\xff\xfe\r\n\x1b[31mred"


def test_a_step_that_kills_everything_fails_and_says_so(perform):
    [(result, _)] = perform(run("suicide", "kill -9 -1; sleep 5"))

    assert result.outcome is Outcome.FAILED
    assert result.failure is Failure.EXIT_CODE


def test_parallel_steps_do_not_mix(executor, make_job):
    steps = [run(name, f"for i in $(seq 300); do echo {name}; done") for name in ("one", "two", "three")]
    stop, texts = Stop(), {}

    with executor.workspace(make_job(*steps), stop, lambda _: None) as workspace:
        threads = [
            threading.Thread(target=lambda step=step: texts.update({step.name: attempt(workspace, step, stop)[1]}))
            for step in steps
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert texts == {step.name: f"{step.name}\n" * 300 for step in steps}


def test_stopping_one_step_leaves_its_neighbour_alone(executor, make_job):
    long, short = run("long", "echo runs; sleep 100"), run("short", "sleep 1.5; echo done")
    job_stop, outcomes = Stop(), {}
    its_stop = job_stop.child()

    with executor.workspace(make_job(long, short), job_stop, lambda _: None) as workspace:
        neighbour = threading.Thread(target=lambda: outcomes.update(short=attempt(workspace, short, job_stop)))
        neighbour.start()
        outcomes["long"] = workspace.run(long, lambda _: its_stop.order(StopReason.TIMED_OUT) and None, its_stop)
        neighbour.join()

    assert outcomes["long"].failure is Failure.TIMED_OUT
    assert (outcomes["short"][0].outcome, outcomes["short"][1]) == (Outcome.PASSED, "done\n")


def test_a_script_beyond_what_the_kernel_takes_is_refused_in_words(perform):
    [(result, _)] = perform(run("long", "true\n" * 30_000))

    assert result.failure is Failure.SPEC
    assert "KiB" in result.reason


def test_an_image_without_a_shell_is_the_projects_failure(perform):
    [(result, text)] = perform(run("x", "echo ran"), image="ciservice-pause")

    assert (result.outcome, result.exit_code) == (Outcome.FAILED, 127), text

"""What every executor must do, whatever it runs steps in: one test for fake, process and docker."""

from __future__ import annotations

import os
import threading
import time

import pytest

from runners.contract import Failure, Outcome, ServiceSpec, StepSpec, Stop, StopReason
from runners.encryption import encrypt, new_key
from runners.errors import SpecError
from runners.executors import make_executor
from runners.executors.config import ExecutorSettings
from tests.runners.dialects import Fake, Shell, lines
from tests.runners.jobs import run
from tests.servers import command_lines, wait_until

STOP_SECONDS = 15


DOCKER = pytest.param("docker", marks=pytest.mark.docker)
with_processes = pytest.mark.parametrize("kind", ["process", DOCKER], indirect=True)  # the fake has none


@pytest.fixture(scope="module", params=["fake", "process", DOCKER])
def kind(request) -> str:
    return request.param


@pytest.fixture
def words(kind):
    return Fake if kind == "fake" else Shell


@pytest.fixture(scope="module")
def image(kind, request) -> str:
    """An image with a shell; only docker looks at it."""
    return request.getfixturevalue("docker_image") if kind == "docker" else "busybox"


@pytest.fixture(scope="module")
def settings(kind, image, tmp_path_factory) -> ExecutorSettings:
    return ExecutorSettings(
        name=kind,
        data_dir=tmp_path_factory.mktemp(kind),
        default_image=image,
        docker_url=os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"),
        instance=f"contract-{os.getpid()}",
        pids=256,
    )


@pytest.fixture(scope="module")
def executor(settings):
    """One for all tests of its kind, as a runner has one for all of its jobs."""
    executor = make_executor(settings)
    executor.open()
    yield executor
    executor.close()


@pytest.fixture
def perform(executor, make_job, image):
    """Runs steps one after another in one workspace: [(result, output)]."""

    def perform(*steps: StepSpec, stop: Stop | None = None, **fields) -> list[tuple]:
        job = make_job(*steps, image=image, **fields)
        stop = stop or Stop()
        ended = []
        with executor.workspace(job, stop, lambda _: None) as workspace:
            for step in steps:
                heard: list[bytes] = []
                ended.append((workspace.run(step, heard.append, stop), b"".join(heard)))
        return ended

    return perform


def test_output_keeps_its_order(perform, words):
    script = lines(*(words.say(number) for number in range(50)))

    [(result, output)] = perform(run("count", script))

    assert result.outcome is Outcome.PASSED
    assert output.split() == [str(number).encode() for number in range(50)]


@with_processes
def test_stdout_and_stderr_keep_their_order(perform):
    script = "for i in 1 2 3 4 5 6 7 8; do echo out$i; echo err$i >&2; done"

    [(_, output)] = perform(run("both", script))

    assert output.decode().split() == [word + str(i) for i in range(1, 9) for word in ("out", "err")]


@pytest.mark.parametrize("code", [0, 1, 3, 126, 255])
def test_the_exit_code_decides(perform, words, code):
    [(result, _)] = perform(run("leave", words.leave(code)))

    assert result.exit_code == code
    assert result.outcome is (Outcome.FAILED if code else Outcome.PASSED)
    assert result.failure is (Failure.EXIT_CODE if code else None)


@with_processes
def test_a_script_stops_at_the_first_failing_command(perform):
    [(result, output)] = perform(run("two", "echo one\nfalse\necho two"))

    assert (result.exit_code, output) == (1, b"one\n")


def test_an_unknown_command_ends_with_127_and_says_so(perform):
    [(result, output)] = perform(run("typo", "frobnicate now"))

    assert result.exit_code == 127
    assert b"frobnicate" in output
    assert b"not found" in output


def test_variables_come_in_layers(perform, words, image, kind):
    names = ["FROM_JOB", "FROM_SECRET", "FROM_PIPELINE", "FROM_SERVICE", "FROM_STEP"]
    service = ServiceSpec(name="app", image=image, environment=dict.fromkeys(names[3:], "service"))
    script = lines(*map(words.variable, names))
    command = ("sh", "-c", script) if kind != "fake" else (script,)

    [(_, output)] = perform(
        StepSpec(name="print", service="app", command=command, environment={"FROM_STEP": "step"}),
        services=[service],
        environment=dict.fromkeys(names, "job"),
        secrets=dict.fromkeys(names[1:], "secret"),
        pipeline_environment=dict.fromkeys(names[2:], "pipeline"),
    )

    assert output.decode().splitlines() == [
        "FROM_JOB=job",
        "FROM_SECRET=secret",
        "FROM_PIPELINE=pipeline",
        "FROM_SERVICE=service",
        "FROM_STEP=step",
    ]


def test_a_later_step_sees_the_files_of_an_earlier_one(perform, words):
    [_, (result, output)] = perform(run("write", words.write("note", "hello")), run("read", words.read("note")))

    assert (result.outcome, output) == (Outcome.PASSED, b"hello\n")


def test_nothing_of_a_large_output_is_lost(perform, words):
    [(result, output)] = perform(run("flood", words.flood(5_000_000)))

    assert result.outcome is Outcome.PASSED
    assert len(output) == 5_000_000
    assert output[:100] == b"x" * 99 + b"\n"


def test_the_last_line_is_never_lost_though_it_has_no_end(perform, words):
    step = run("short", words.say_without_end("tail"))

    assert [output for _, output in perform(*[step] * 20)] == [b"tail"] * 20


def test_steps_run_at_the_same_time(executor, make_job, words, image):
    """Both sleep until the other has begun to print: one after the other, they would end by the time limit."""
    steps = [run(name, lines(words.say(f"{name} runs"), words.sleep(60))) for name in ("left", "right")]
    job, stop = make_job(*steps, image=image), Stop()
    heard: dict[str, bytes] = {}

    def listen(name: str, data: bytes) -> None:
        heard[name] = heard.get(name, b"") + data
        if len(heard) == 2:
            stop.order(StopReason.CANCELLED)

    with executor.workspace(job, stop, lambda _: None) as workspace:
        threads = [
            threading.Thread(target=workspace.run, args=(step, lambda data, name=step.name: listen(name, data), stop))
            for step in steps
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=50)

    assert set(heard) == {"left", "right"}


@pytest.mark.parametrize(
    ("reason", "outcome", "failure"),
    [
        (StopReason.CANCELLED, Outcome.CANCELLED, None),
        (StopReason.TIMED_OUT, Outcome.FAILED, Failure.TIMED_OUT),
        (StopReason.SILENT, Outcome.FAILED, Failure.SILENT),
    ],
)
def test_a_stop_ends_a_step_with_its_reason(executor, make_job, words, image, reason, outcome, failure):
    step = run("long", lines(words.say("runs"), words.sleep(300)))
    stop = Stop()

    with executor.workspace(make_job(step, image=image), stop, lambda _: None) as workspace:
        result = workspace.run(step, lambda _: stop.order(reason) and None, stop)

    assert result.outcome is outcome
    assert result.failure is failure


def test_a_step_that_was_stopped_before_it_began_does_not_run(executor, make_job, words, image):
    step, stop, heard = run("late", words.say("ran")), Stop(), []

    with executor.workspace(make_job(step, image=image), stop, lambda _: None) as workspace:
        stop.order(StopReason.CANCELLED)
        result = workspace.run(step, heard.append, stop)

    assert (result.outcome, heard) == (Outcome.CANCELLED, [])


@with_processes
def test_a_process_that_ignores_sigterm_is_killed_in_time(executor, make_job, image):
    step = run(
        "deaf", "trap '' TERM\n(trap '' TERM; while :; do sleep 0.5; done) &\necho deaf\nwhile :; do sleep 0.5; done"
    )
    stop, began = Stop(), time.monotonic()

    with executor.workspace(make_job(step, image=image), stop, lambda _: None) as workspace:
        result = workspace.run(step, lambda _: stop.order(StopReason.CANCELLED) and None, stop)

    assert result.outcome is Outcome.CANCELLED
    assert time.monotonic() - began < STOP_SECONDS + 10  # the limit, and what a busy machine needs for the rest


@with_processes
def test_sigterm_comes_first_so_that_a_step_may_clean_up(executor, make_job, image):
    step = run("polite", "trap 'echo bye; exit 0' TERM\necho ready\nwhile :; do sleep 0.1; done")
    stop, heard = Stop(), []

    def listen(data: bytes) -> None:
        heard.append(data)
        stop.order(StopReason.CANCELLED)

    with executor.workspace(make_job(step, image=image), stop, lambda _: None) as workspace:
        workspace.run(step, listen, stop)

    assert heard[0] == b"ready\n"
    assert b"".join(heard).endswith(b"bye\n")  # a shell may also say that its sleep was terminated


@with_processes
def test_what_fled_into_the_background_is_gone_with_the_workspace(perform):
    mark = f"9{time.time_ns() % 10**9}"  # a duration that nobody else sleeps
    script = (
        f"(setsid sh -c 'sleep {mark} & sleep {mark}' &) ; (sleep {mark} </dev/null >/dev/null 2>&1 &)\necho started"
    )

    [(result, output)] = perform(run("fork", script))

    assert (result.outcome, output) == (Outcome.PASSED, b"started\n")
    wait_until(lambda: not sleepers(mark), seconds=10, what="the end of every process")


@with_processes
def test_a_child_that_keeps_the_output_open_does_not_hold_the_step(perform):
    [(result, output)] = perform(run("daemon", "sleep 100 &\necho done"), timeout_seconds=60)

    assert (result.outcome, output) == (Outcome.PASSED, b"done\n")


def test_leaving_the_workspace_removes_its_files(perform, words, settings):
    perform(run("write", words.write("note", "hello")))

    workspaces = settings.workspaces
    assert not workspaces.exists() or list(workspaces.iterdir()) == []


@with_processes
def test_a_folder_that_the_operator_lends_is_there_at_its_path(perform, tmp_path):
    folder = tmp_path / "lent"
    folder.mkdir()

    [(result, _)] = perform(run("deploy", f"echo released > {folder}/index.html"), folders=(folder,))

    assert result.outcome is Outcome.PASSED
    assert (folder / "index.html").read_text() == "released\n"


def test_leaving_by_an_exception_removes_its_files_too(executor, make_job, image, settings):
    with (
        pytest.raises(ZeroDivisionError),
        executor.workspace(make_job(run("x", ""), image=image), Stop(), lambda _: None),
    ):
        raise ZeroDivisionError

    workspaces = settings.workspaces
    assert not workspaces.exists() or list(workspaces.iterdir()) == []


def sleepers(mark: str) -> list[int]:
    """The processes of this host (containers' too) that sleep for so long."""
    return [pid for pid, line in command_lines().items() if mark.encode() in line.split(b"\0")]


def test_encrypted_variables_reach_the_step_and_are_told_before_its_output(executor, make_job, image, words, tmp_path):
    key = new_key()
    service = ServiceSpec(
        name="app",
        image=image,
        environment={"INLINE": "below", "SEALED": "below"},
        encrypted_environment=(encrypt(b"INLINE=first secret\nSEALED=below", key),),
        encrypted_env_files=("sealed",),
    )
    step = run("show", lines(words.variable("INLINE"), words.variable("SEALED")), service="app")
    job = make_job(step, services=[service], key=key.text)
    (tmp_path / "project/sealed").write_text(encrypt(b"SEALED=second secret", key))
    events: list[str] = []

    with executor.workspace(job, Stop(), lambda _: None, events.extend) as workspace:
        result = workspace.run(step, lambda data: events.append(data.decode()), Stop())

    assert result.outcome is Outcome.PASSED
    assert {"first secret", "second secret"} <= set(events[:3])
    assert "".join(events[3:]).split("\n") == ["INLINE=first secret", "SEALED=second secret", ""]


def test_without_the_key_the_step_fails_and_says_so(executor, make_job, image, words):
    service = ServiceSpec(name="app", image=image, encrypted_environment=(encrypt(b"A=1", new_key()),))
    step = run("show", words.say("never"), service="app")
    heard: list[bytes] = []

    with (
        executor.workspace(make_job(step, services=[service]), Stop(), lambda _: None) as workspace,
        pytest.raises(SpecError, match="No AES key provided"),
    ):
        workspace.run(step, heard.append, Stop())

    assert b"never" not in b"".join(heard)


def test_what_a_person_at_the_keyboard_sets_wins(perform, words, image):
    service = ServiceSpec(name="app", image=image, environment={"WORD": "service"})

    [(_, output)] = perform(
        run("show", words.variable("WORD"), service="app"), services=[service], overrides={"WORD": "person"}
    )

    assert output == b"WORD=person\n"

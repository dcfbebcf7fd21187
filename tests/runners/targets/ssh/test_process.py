"""Deliveries through the engine: the process of its own, and its end whatever happens to the runner."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from runners.contract import DirectorySource, Failure, Outcome, StepKind, StepSpec, Stop, StopReason, TargetSpec
from runners.engine import execute
from runners.executors import make_executor
from runners.targets.request import Request
from tests.runners.targets.releases import Log
from tests.servers import command_lines, wait_until

ROOT = Path(__file__).parents[4]
SECRET = "s3cret-of-the-project"


def deliveries() -> set[int]:
    """The processes that deliver, of this test's process or one that it started."""
    return {number for number, words in command_lines().items() if b"runners.targets" in words and is_ours(number)}


def is_ours(number: int) -> bool:
    while number > 1:
        if number == os.getpid():
            return True
        try:
            number = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            return False
    return False


def home_of(number: int) -> Path:
    parts = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
    return Path(os.fsdecode(next(part[5:] for part in parts if part.startswith(b"HOME="))))


def steps_of(host, asks=False, **fields) -> StepSpec:
    settings = {**host.given(**fields).model_dump(mode="json", exclude_defaults=True), "key": "${DEPLOY_KEY}"}
    return StepSpec(name="out", kind=StepKind.DEPLOY, target=TargetSpec(kind="ssh", settings=settings, asks=asks))


@pytest.fixture
def go(host, make_settings, make_job, recorder):
    """Executes a job that delivers release `number` to the host."""
    executor = make_executor(make_settings("process"))
    executor.open()

    def go(number, *, stop=None, timeout_seconds=60, silence_seconds=60, asks=False, **fields):
        job = make_job(
            steps_of(host, asks, **fields),
            source=DirectorySource(path=host.release(number).folder),
            environment={"CI_RELEASE": str(number), "CI_ENVIRONMENT": "production", "CI_COMMIT_ID": f"{number:040x}"},
            secrets={"DEPLOY_KEY": host.key, "TOKEN": SECRET},
            target_hosts=("127.0.0.1",),
            timeout_seconds=timeout_seconds,
            silence_seconds=silence_seconds,
        )
        return execute(job, executor, recorder, stop or Stop())

    return go


def test_a_deploy_step_delivers_and_its_log_says_so(go, host, recorder):
    assert go(1).outcome is Outcome.PASSED

    assert host.serving() == {"1": 1.0}
    assert f"[{host.sshds[0].name}] 1-0000000 is live\n" in recorder.text(0)
    assert recorder.result("out").exit_code == 0


def test_a_failure_is_the_steps_reason_with_nothing_secret_in_it(go, recorder):
    result = go(1, before="echo it is ${TOKEN} >&2; exit 3")

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.EXIT_CODE)
    assert result.reason.endswith("`before` ended with exit code 3.")
    assert "it is [hidden]" in recorder.text(0)
    assert recorder.text(0).endswith(f"{recorder.result('out').reason}\n")


def test_a_host_on_the_runner_itself_needs_the_operator(host, make_settings, make_job, recorder):
    executor = make_executor(make_settings("process"))
    executor.open()
    environment = {"CI_RELEASE": "1", "CI_ENVIRONMENT": "production", "CI_COMMIT_ID": "1" * 40}
    job = make_job(steps_of(host), environment=environment, secrets={"DEPLOY_KEY": host.key})

    assert "TARGET_ALLOWED_HOSTS" in execute(job, executor, recorder, Stop()).reason


def test_the_process_has_nothing_of_the_runners_environment(go, host, monkeypatch):
    monkeypatch.setenv("SEALING_KEY", "the runner's own")
    stop = Stop()
    work = threading.Thread(target=lambda: go(1, before=f"touch {host.to}/began; sleep 60", stop=stop))
    work.start()
    wait_until((host.disk().parent / "began").exists, what="the command")
    seen = [Path(f"/proc/{number}/environ").read_bytes() for number in deliveries()]
    homes = [home_of(number) for number in deliveries()]
    stop.order(StopReason.CANCELLED)
    work.join()

    assert len(seen) == 1
    assert b"SEALING_KEY" not in seen[0]
    assert SECRET.encode() not in seen[0]
    assert not homes[0].exists()


@pytest.mark.parametrize(
    ("limits", "failure", "reason"),
    [
        ({"timeout_seconds": 4}, Failure.TIMED_OUT, "the limit of 4 s for the job passed"),
        ({"silence_seconds": 3}, Failure.SILENT, "no output for 3 s"),
    ],
)
def test_a_delivery_that_hangs_is_ended_and_what_runs_stays(go, host, limits, failure, reason):
    host.deliver(1)

    result = go(2, before="sleep 60", **limits)

    assert (result.outcome, result.failure) == (Outcome.FAILED, failure)
    assert reason in result.reason
    assert host.serving() == {"1": 1.0}
    assert deliveries() == set()


@pytest.mark.parametrize("order", [StopReason.CANCELLED, StopReason.LOST_LEASE])
def test_a_delivery_that_is_stopped_is_gone_with_its_group(go, host, order):
    stop, results = Stop(), []
    work = threading.Thread(target=lambda: results.append(go(1, before=f"touch {host.to}/began; sleep 60", stop=stop)))
    work.start()
    wait_until((host.disk().parent / "began").exists, what="the command")

    stop.order(order)
    work.join()

    assert results[0].outcome is Outcome.CANCELLED
    assert deliveries() == set()
    assert host.serving() == {}


@pytest.mark.parametrize(
    ("moment", "serving", "running"), [("before", "1", {"1"}), ("restart", "2", {"1", "2"}), ("check", "2", {"1", "2"})]
)
def test_a_process_that_is_killed_leaves_one_whole_release_and_the_next_goes_well(
    go, host, recorder, moment, serving, running
):
    """It is known afterwards, too, that nobody can say whether the new one was started."""
    host.deliver(1)
    results = []
    fields = {moment: f"touch {host.to}/began; sleep 60"}
    work = threading.Thread(target=lambda: results.append(go(2, **fields)))
    work.start()
    wait_until((host.disk().parent / "began").exists, what="the command")

    for number in deliveries():
        os.kill(number, signal.SIGKILL)
    work.join()

    assert (results[0].outcome, results[0].failure, results[0].retry) == (Outcome.ERRORED, Failure.ENGINE, False)
    assert "signal 9" in results[0].reason
    assert host.serving() == {serving: 1.0}
    assert host.target.running(host.given(), host.release(2), Log()) == running
    host.deliver(2, previous="1")
    assert host.serving() == {"2": 1.0}
    assert host.target.running(host.given(), host.release(2), Log()) == {"2"}


def test_files_that_came_only_in_part_are_no_release(host):
    """Killed in the middle of the upload: the tar ends where the connection does."""
    host.deliver(1)
    folder = host.release(2).folder
    with open(folder / "big", "wb") as file:
        for _ in range(64):
            file.write(os.urandom(1 << 20))
    with started(host, 2) as process:
        wait_until(lambda: list(host.disk().glob("releases/.partial-*/big")), what="the first bytes")
        os.killpg(process.pid, signal.SIGKILL)
    wait_until(lambda: not unpacking(host), what="the host's tar")

    assert host.serving() == {"1": 1.0}
    assert not list(host.disk().glob("releases/2-*"))
    host.deliver(2, previous="1")
    assert (host.disk() / "current/big").stat().st_size == 64 << 20
    assert not list(host.disk().glob("releases/.partial-*"))


def test_the_process_ends_itself_when_its_runner_is_killed(host, tmp_path):
    program = f"""
import json, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from runners.contract import DirectorySource, JobSpec, PipelineSpec, StepKind, StepSpec, Stop, TargetSpec
from runners.delivering import deliver
given = json.load(sys.stdin)
step = StepSpec(name="out", kind=StepKind.DEPLOY, target=TargetSpec(kind="ssh", settings=given["settings"]))
folder = Path(given["folder"])
job = JobSpec(
    job_id="j", epoch=1, pipeline=PipelineSpec(name="p", steps=(step,)), source=DirectorySource(path=folder),
    environment=given["environment"], secrets=given["secrets"], target_hosts=("127.0.0.1",),
)
deliver(job, step, folder, lambda data: None, Stop())
"""
    step = steps_of(host, before=f"touch {host.to}/began; sleep 60")
    given = {
        "settings": dict(step.target.settings),
        "folder": str(host.release(1).folder),
        "environment": {"CI_RELEASE": "1", "CI_ENVIRONMENT": "production", "CI_COMMIT_ID": "1" * 40},
        "secrets": {"DEPLOY_KEY": host.key},
    }
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, text=True) as runner:
        runner.stdin.write(json.dumps(given))
        runner.stdin.close()
        wait_until((host.disk().parent / "began").exists, what="the command")
        found = deliveries()
        homes = [home_of(number) for number in found]
        assert [home.is_dir() for home in homes] == [True]
        runner.kill()

    wait_until(lambda: found.isdisjoint(command_lines()), what="its end")
    assert [home.exists() for home in homes] == [False]
    assert host.serving() == {}


def test_the_process_ends_itself_when_its_runner_gives_no_sign_of_life(host):
    with started(host, 1, silence=1.0, before=f"touch {host.to}/began; sleep 60") as process:
        assert process.wait(60) == -signal.SIGKILL

    assert host.serving() == {}


class started:
    """The process that delivers, by itself: its runner is this test, which stays alive and says no more."""

    def __init__(self, host, number, silence=600.0, **fields) -> None:
        program = f"import runners.targets.__main__ as m; m.SILENCE_SECONDS = {silence}; m.main()"
        settings = host.given(**fields).model_dump(mode="json", exclude_defaults=True)
        request = Request(kind="ssh", settings=settings, delivery=host.release(number))
        reads, self._writes = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(self._writes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            cwd=ROOT,
            pass_fds=(self._writes,),
            start_new_session=True,
        )
        os.close(reads)
        self.process.stdin.write(request.to_json().encode() + b"\n")
        self.process.stdin.flush()

    def __enter__(self) -> subprocess.Popen:
        return self.process

    def __exit__(self, *_: object) -> None:
        os.close(self._writes)
        self.process.kill()
        self.process.stdin.close()
        self.process.wait(10)


def unpacking(host) -> bool:
    return any(str(host.to).encode() in words and b"tar -xzf" in words for words in command_lines().values())

"""A deploy step: run in a process of its own, which never outlives the runner and is killed with all that it started."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

from runners.contract import Failure, GitSource, JobSpec, Outcome, Output, StepResult, StepSpec, Stop, StopReason
from runners.environment import step_environment
from runners.errors import EngineError, SpecError
from runners.secret_files import with_texts
from runners.targets.contract import Delivery
from runners.targets.request import FOLDER_PREFIX, Answer, Request
from runners.verdict import stopped_by
from runners.walls import PATH

GRACE_SECONDS = 10.0
DRAIN_SECONDS = 5.0
_PULSE_SECONDS = 1.0  # a sign of life to the process; it gives up after `runners.targets.__main__.SILENCE_SECONDS`
_LOOK_SECONDS = 0.1
_CHUNK = 65536
_ROOT = Path(__file__).resolve().parent.parent


def deliver(job: JobSpec, step: StepSpec, folder: Path, on_output: Output, stop: Stop) -> StepResult:
    """Block until it has delivered, or not. SpecError where the step can never deliver, EngineError where we cannot."""
    request = _request(job, step, folder).to_json().encode() + b"\n"
    with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX, ignore_cleanup_errors=True) as home:
        if stop.reason is not None:
            return stopped_by(stop.reason)
        with _started(Path(home)) as (process, answers):
            talk = _Conversation(process, answers, request, on_output, stop)
            try:
                talk.hold()
            finally:
                _kill(process, signal.SIGKILL)  # with what it started, and before its number can be another's
                process.wait()
            talk.drain()
        return _result(process.returncode, Answer.from_json(bytes(talk.answer)), stop)


def _request(job: JobSpec, step: StepSpec, folder: Path) -> Request:
    if job.is_strangers:
        raise SpecError("Changes from a fork are never deployed.")
    if step.target is None:
        raise SpecError(f"“{step.name}” does not say where to deploy to.")
    # The job's own: what a pipeline sets must not make it another release.
    told = job.environment
    if not told.get("CI_RELEASE") or not told.get("CI_ENVIRONMENT"):
        raise SpecError("There is no release to deploy here: a `deploy` step stands under `deployments`.")
    delivery = Delivery(
        folder=folder,
        environment=told["CI_ENVIRONMENT"],
        project=told.get("CI_PROJECT_ID", ""),
        release=told["CI_RELEASE"],
        commit=told.get("CI_COMMIT_ID", ""),
        branch=told.get("CI_BRANCH", ""),
        percent=float(told.get("CI_ROLLOUT_PERCENT") or 100),
        previous=told.get("CI_PREVIOUS_RELEASE", ""),
        is_rollback=told.get("CI_ROLLBACK") == "true",
        values=step_environment(with_texts(job), None, step),
        ssh_key=job.source.private_key if isinstance(job.source, GitSource) and not job.is_strangers else "",
        allowed_hosts=job.target_hosts,
    )
    return Request(kind=step.target.kind, settings=step.target.settings, asks=step.target.asks, delivery=delivery)


@contextmanager
def _started(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The process, and the end of the pipe that its answer comes on: it ends when the process does."""
    answers, its = os.pipe()
    try:
        try:
            process = _start(home, its)
        finally:
            os.close(its)
        with process:
            yield process, answers
    finally:
        os.close(answers)


def _start(home: Path, answers: int) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": PATH,
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "runners.targets", str(answers), str(home)],
            cwd=home,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(answers,),
        )
    except OSError as error:
        raise EngineError(f"The process that delivers could not be started: {error.strerror}.") from None


class _Conversation:
    """Gives the request and signs of life, passes its output on, and ends it when the order to stop comes."""

    def __init__(
        self, process: subprocess.Popen[bytes], answers: int, request: bytes, on_output: Output, stop: Stop
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._on_output, self._stop = process, on_output, stop
        self._to, self._from, self._answers = process.stdin.fileno(), process.stdout.fileno(), answers
        self._unsent, self._pulse_at, self._kill_at = request, 0.0, inf
        self.answer = bytearray()
        for handle in (self._to, self._from):
            os.set_blocking(handle, False)

    def hold(self) -> None:
        """Until the process has closed the pipe of its answer, as its end does."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._from, selectors.EVENT_READ)
            selector.register(self._answers, selectors.EVENT_READ)
            while self._answers in selector.get_map():
                for key, _ in selector.select(_LOOK_SECONDS):
                    if not (self._pass_on() if key.fd == self._from else self._hear()):
                        selector.unregister(key.fd)
                self._send()
                self._look_at_stop()

    def drain(self) -> None:
        """What it printed last; nobody who may still hold its output is waited for."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline and self._pass_on() > 0:
            pass

    def _hear(self) -> int:
        data = os.read(self._answers, _CHUNK)
        self.answer += data[: _CHUNK - len(self.answer)]
        return len(data)

    def _pass_on(self) -> int:
        """How many bytes went; 0 = the end, -1 = nothing there now."""
        try:
            data = os.read(self._from, _CHUNK)
        except BlockingIOError:
            return -1
        if data:
            self._on_output(data)
        return len(data)

    def _send(self) -> None:
        now = time.monotonic()
        if not self._unsent and now >= self._pulse_at:
            self._unsent, self._pulse_at = b".", now + _PULSE_SECONDS
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            self._unsent = self._unsent[os.write(self._to, self._unsent) :] if self._unsent else b""

    def _look_at_stop(self) -> None:
        if self._stop.reason is None:
            return
        if self._kill_at == inf:
            grace = 0 if self._stop.reason is StopReason.LOST_LEASE else GRACE_SECONDS
            self._kill_at = time.monotonic() + grace
            _kill(self._process, signal.SIGTERM)
        if time.monotonic() >= self._kill_at:
            _kill(self._process, signal.SIGKILL)


def _kill(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To it and its group; it is not waited for yet."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


def _result(code: int, answer: Answer | None, stop: Stop) -> StepResult:
    if answer is not None and answer.passed and code == 0:
        return StepResult(outcome=Outcome.PASSED, exit_code=0)
    if stop.reason is not None:
        return stopped_by(stop.reason, code)
    if answer is None or answer.passed:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise EngineError(
            f"The process that delivers ended on its way ({how}): nobody knows how far it came.", retry=False
        )
    if answer.is_spec:
        raise SpecError(answer.reason)
    return StepResult(outcome=Outcome.FAILED, exit_code=code, failure=Failure.EXIT_CODE, reason=answer.reason)

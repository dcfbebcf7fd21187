"""An executor that obeys a script and touches nothing: what tests run jobs on.

The text of a step's `script` (or its `command`, joined by spaces) is a list of orders, one a line, carried out in turn:

    print some text      prints it, and ends the line
    type some text       prints it, and does not end the line
    print-env NAME       prints NAME=value as the step sees it; only NAME where it is not set
    flood 5000000        prints so many bytes, in lines of 100
    write file text      writes a file of the workspace, which later steps of the job see
    read file            prints that file; ends with exit code 1 where nobody wrote it (secret files lie in /secrets)
    learn some secret    tells the engine of a value to hide
    sleep 2.5            waits so many seconds, unless the step is stopped
    hang                 waits until the step is stopped
    exit 3               ends with this code, without the rest
    oom                  ends as a container does that needed too much memory
    infra some reason    EngineError: our side broke, another attempt may help
    broken some reason   ImageError that no other attempt can help
    spec some reason     SpecError: the project asks for what cannot be
    crash                calls `executor.on_crash` (a test may end the process there), then raises RuntimeError

Anything else is an order nobody knows: exit code 127, with a line that says so. A step without text passes.
The workspace itself breaks where the job's environment has FAKE_WORKSPACE="infra some reason" or "spec some reason".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from runners.contract import (
    Failure,
    GitSource,
    HearSecrets,
    JobSpec,
    Outcome,
    Output,
    ServiceSpec,
    StepResult,
    StepSpec,
    Stop,
    forget_secrets,
)
from runners.environment import step_environment
from runners.errors import EngineError, ImageError, SpecError
from runners.executors.config import ExecutorSettings
from runners.secret_files import with_paths
from runners.service_variables import service_variables
from runners.verdict import stopped, stopped_by

BROKEN_WORKSPACE = "FAKE_WORKSPACE"


class FakeExecutor:
    """Beside the contract: what was opened and swept is counted, for tests to look at."""

    name = "fake"
    version = "1"

    def __init__(self, settings: ExecutorSettings) -> None:
        self.settings = settings
        self.on_crash: Callable[[], None] = lambda: None
        self.workspaces: set[tuple[str, int]] = set()  # the attempts that hold one now
        self.is_open = False
        self._lock = threading.Lock()

    def open(self) -> None:
        """Note it."""
        self.is_open = True

    def close(self) -> None:
        """Note it."""
        self.is_open = False

    @contextmanager
    def workspace(
        self, job: JobSpec, stop: Stop, on_output: Output, hear_secrets: HearSecrets = forget_secrets
    ) -> Iterator[FakeWorkspace]:
        """A room that lives in memory."""
        on_output(b"preparing the fake workspace\n")
        if order := job.environment.get(BROKEN_WORKSPACE, ""):
            _break(*order.split(" ", 1))
        attempt = (job.job_id, job.epoch)
        with self._lock:
            self.workspaces.add(attempt)
        try:
            yield FakeWorkspace(job, self, hear_secrets)
        finally:
            with self._lock:
                self.workspaces.discard(attempt)

    def sweep(self, is_live: Callable[[str, int], bool]) -> int:
        """Forget the workspaces of attempts that are not live."""
        with self._lock:
            dead = {attempt for attempt in self.workspaces if not is_live(*attempt)}
            self.workspaces -= dead
        return len(dead)


class FakeWorkspace:
    """One job's room: its files are entries of a dict."""

    def __init__(self, job: JobSpec, executor: FakeExecutor, hear_secrets: HearSecrets) -> None:
        self._job, self._executor, self._hear_secrets = with_paths(job, "/secrets"), executor, hear_secrets
        self._files = {f"/secrets/{name}": text for name, text in job.secret_files.items()}

    @property
    def folder(self) -> Path | None:
        """There is none."""
        return None

    def run(self, step: StepSpec, on_output: Output, stop: Stop) -> StepResult:
        """Carry out the orders."""
        text = step.script if step.script is not None else " ".join(step.command or ())
        service = self._service(step)
        environment = step_environment(self._job, service, step, self._files_of(service) if service else None)
        for line in text.splitlines():
            if stop.reason is not None:
                return stopped_by(stop.reason)
            if line.strip():
                result = self._obey(line.lstrip(), environment, on_output, stop)
                if result is not None:
                    return replace(result, images=self._images(step, service))
        return StepResult(outcome=Outcome.PASSED, exit_code=0, images=self._images(step, service))

    def _images(self, step: StepSpec, service: ServiceSpec | None) -> dict[str, str]:
        """An image is what it was then, or else what its name says today."""
        pipeline = self._job.pipeline
        name = step.image or (service.image if service else "") or pipeline.image
        return {name: pipeline.images.get(name, f"{name}@sha256:{'0' * 64}")} if name else {}

    def _service(self, step: StepSpec) -> ServiceSpec | None:
        found = [service for service in self._job.pipeline.services if service.name == step.service]
        if step.service and not found:
            raise SpecError(f"There is no service {step.service!r}.")
        return found[0] if found else None

    def _files_of(self, service: ServiceSpec) -> dict[str, str]:
        source = self._job.source
        if isinstance(source, GitSource):  # which nobody laid out: what stands in files is not known
            service, checkout = replace(service, env_files=(), encrypted_env_files=()), Path()
        else:
            checkout = source.path
        return service_variables(self._job, service, checkout, self._hear_secrets)

    def _obey(self, line: str, environment: dict[str, str], on_output: Output, stop: Stop) -> StepResult | None:
        """Carry out one order; a result ends the step."""
        order, _, rest = line.partition(" ")
        if order in {"sleep", "hang"}:
            return stopped(stop) if stop.wait(float(rest) if order == "sleep" else None) else None
        if order in {"exit", "oom", "infra", "broken", "spec"}:
            return _end(order, rest)
        if order == "crash":
            self._executor.on_crash()
            raise RuntimeError("the fake executor was told to crash")
        if order == "learn":
            self._hear_secrets([rest])
            return None
        if order == "write":
            name, _, text = rest.partition(" ")
            self._files[name] = text
            return None
        if order == "read" and rest not in self._files:
            on_output(f"{rest}: no such file\n".encode())
            return _exit(1)
        return self._print(order, rest, environment, on_output)

    def _print(self, order: str, rest: str, environment: dict[str, str], on_output: Output) -> StepResult | None:
        if order == "flood":
            _flood(int(rest), on_output)
            return None
        texts = {
            "print": f"{rest}\n",
            "type": rest,
            "read": f"{self._files.get(rest, '')}\n",
            "print-env": f"{rest}={environment[rest]}\n" if rest in environment else f"{rest}\n",
        }
        on_output(texts.get(order, f"{order}: not found\n").encode())
        return None if order in texts else _exit(127)


def _end(order: str, rest: str) -> StepResult:
    if order == "exit":
        return _exit(int(rest))
    if order == "oom":
        return StepResult(
            outcome=Outcome.FAILED, exit_code=137, failure=Failure.OUT_OF_MEMORY, reason="Killed: out of memory."
        )
    _break(order, rest)
    raise AssertionError("unreachable")


def _break(order: str, reason: str = "") -> None:
    if order == "spec":
        raise SpecError(reason)
    if order == "broken":
        raise ImageError(reason, retry=False)
    raise EngineError(reason)


def _exit(code: int) -> StepResult:
    if code == 0:
        return StepResult(outcome=Outcome.PASSED, exit_code=0)
    return StepResult(outcome=Outcome.FAILED, exit_code=code, failure=Failure.EXIT_CODE)


def _flood(count: int, on_output: Output) -> None:
    line = b"x" * 99 + b"\n"
    whole, rest = divmod(count, len(line))
    for start in range(0, whole, 500):
        on_output(line * min(500, whole - start))
    if rest:
        on_output(line[-rest:])

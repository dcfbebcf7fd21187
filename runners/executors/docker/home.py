"""The pipeline's own container, which lives as long as the job: its steps run in it one after another, or side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import replace

from runners.contract import StepResult, StepSpec, Stop, StopReason
from runners.errors import EngineError, SpecError
from runners.executors.docker.containers import launch
from runners.executors.docker.ending import AFTER_KILL_SECONDS, ProcessEnding
from runners.executors.docker.engine import Refused
from runners.executors.docker.hardening import host_config
from runners.executors.docker.images import Image
from runners.executors.docker.job import Job
from runners.executors.docker.mounts import WORKSPACE, checkout_bind, lent
from runners.executors.docker.name_files import name_files
from runners.executors.docker.output import StepOutput
from runners.executors.docker.room import Room
from runners.executors.docker.session import SHELL, TOKEN, Finished, Session, as_program
from runners.executors.docker.verdict import (
    OUT_OF_MEMORY_WARNING,
    StepFailed,
    exited,
    outage,
    refused_to_start,
)
from runners.verdict import stopped_by

MOST_SCRIPT_BYTES = 100 * 1024  # the kernel takes 128 KiB as one argument
LOOK_SECONDS = 0.5


class Home:
    """Made while the checkout is laid out; the first step waits for both."""

    def __init__(self, job: Job, output: StepOutput, stop: Stop) -> None:
        self._job, self._output, self._stop = job, output, stop.child()
        self._made: Future[None] = Future()
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._container = ""
        self._image = Image(id="", digest="")
        self._room: Room | None = None
        self._thread = threading.Thread(target=self._make, name="docker-home")

    def prepare(self) -> None:
        """Begin to make it, unless somebody did."""
        with self._lock:
            if self._thread.ident is None:
                self._thread.start()

    def run(self, step: StepSpec, output: StepOutput, stop: Stop) -> StepResult:
        """Run a script or command in it."""
        _check(step)
        self.prepare()
        while not self._made.done() and stop.reason is None:
            wait((self._made,), LOOK_SECONDS)
        if stop.reason is not None:
            return stopped_by(stop.reason)
        self._made.result()
        self._job.admission.of(self._image.user)
        began = time.monotonic()
        with ProcessEnding(self._job.tools.engine, stop, self._container) as ending:
            variables = {**self._job.environment(None, step), TOKEN: ending.token}
            program = as_program(step.script, step.command)
            finished = self._in_session(lambda shell: shell.run(program, variables, output.write, ending.is_given_up))
        return self._verdict(finished, began, output, stop)

    def close(self) -> None:
        """Leave the container to be removed with the job's other things."""
        self._stop.order(StopReason.CANCELLED)
        self._stop.leave()
        if self._thread.ident is not None:
            self._thread.join()
        for session in self._idle:
            session.close()

    def leave_room(self) -> None:
        """Give back the network, once the container is gone."""
        if self._room is not None:
            self._job.belongings.let_go(self._room)

    def _in_session(self, work: Callable[[Session], Finished | None]) -> Finished | None:
        """Do it in a shell that nobody else uses, and keep the shell for the next where nothing was left behind."""
        session, finished = self._session(), None
        try:
            finished = work(session)
            return finished
        finally:
            if finished is not None and finished.is_clean:
                with self._lock:
                    self._idle.append(session)
            else:
                session.close()

    def _session(self) -> Session:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            return Session(self._job.tools.engine.execute(self._container, [SHELL]))
        except Refused as refusal:
            raise EngineError(f"The pipeline's container does not take another step: {refusal}") from refusal

    def _verdict(self, finished: Finished | None, began: float, output: StepOutput, stop: Stop) -> StepResult:
        engine, events = self._job.tools.engine, self._job.tools.events
        if stop.reason is not None:
            return stopped_by(stop.reason, finished.exit_code if finished else None)
        if finished is None:
            state = engine.ended(self._container, int(AFTER_KILL_SECONDS))
            exit_code, out_of_memory = state.exit_code or 137, state.out_of_memory
        else:
            exit_code, out_of_memory = finished.exit_code, False
        out_of_memory = out_of_memory or events.ran_out_of_memory(self._container, began, exit_code)
        if not out_of_memory and finished is None and events.ended_from_outside(self._container):
            raise outage()
        if out_of_memory and exit_code == 0:
            output.say(OUT_OF_MEMORY_WARNING)
        return exited(exit_code, self._image.digest, out_of_memory=out_of_memory)

    def _make(self) -> None:
        try:
            self._create()
        except Refused as refusal:
            self._made.set_exception(_explain(str(refusal)))
        except Exception as error:  # noqa: BLE001 - the edge of a thread: raised again in the step that waits
            self._made.set_exception(error)
        else:
            self._made.set_result(None)

    def _create(self) -> None:
        job, tools = self._job, self._job.tools
        wanted = job.spec.pipeline.image or tools.settings.default_image
        if not wanted:
            raise SpecError("The pipeline names no image, and this instance has no default image.")
        self._image = job.builds.named(wanted, self._output, self._stop)
        self._room = job.belongings.room(is_alone=True)
        name = job.belongings.container_name("pipeline")
        names = name_files(job.folder, name, self._room) if self._room.holder else ()
        running = launch(
            tools.engine,
            name,
            {
                "Image": self._image.id,
                "Entrypoint": [SHELL],
                "Cmd": [],
                "OpenStdin": True,
                "WorkingDir": WORKSPACE,
                "Labels": job.belongings.labels(service="pipeline"),
                "HostConfig": host_config(
                    tools.settings, self._room.mode, (checkout_bind(job.checkout), *lent(job.spec.folders), *names)
                ),
            },
            stdin=True,
            furnish=job.furnisher(None, self._image.user),
        )
        self._container = running.id
        self._idle.append(Session(running.attachment))


def _check(step: StepSpec) -> None:
    text = step.script if step.script is not None else " ".join(step.command or ())
    if "\0" in text:
        raise SpecError("A script cannot contain a NUL character.")
    if len(text.encode()) > MOST_SCRIPT_BYTES:
        raise SpecError(
            f"A script of more than {MOST_SCRIPT_BYTES // 1024} KiB: put it into a file of the repository and run that."
        )


def _explain(sentence: str) -> Exception:
    try:
        exit_code, told = refused_to_start(sentence)
    except (SpecError, EngineError) as error:
        return error
    return StepFailed(replace(exited(exit_code, ""), reason=f"The pipeline's image has no {SHELL}: {told}"))

"""One attempt's private room: sends each step to where it runs, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from runners.contract import Output, StepKind, StepResult, StepSpec, Stop
from runners.errors import EngineError, RunnerError
from runners.executors.docker.engine import Refused
from runners.executors.docker.forecast import forecast
from runners.executors.docker.generator import generate
from runners.executors.docker.home import Home
from runners.executors.docker.job import Job
from runners.executors.docker.output import StepOutput
from runners.executors.docker.push_step import run_push
from runners.executors.docker.service_step import ServiceStep
from runners.executors.docker.sources import Sources
from runners.executors.docker.verdict import StepFailed
from runners.verdict import stopped_by


class DockerWorkspace:
    """What `DockerExecutor.workspace` gives."""

    def __init__(self, job: Job, stop: Stop, on_output: Output) -> None:
        self._job = job
        self._sources = Sources(job, stop)
        self._home = Home(job, StepOutput(on_output), stop)
        job.credentials.generate = self._generate

    @property
    def folder(self) -> Path | None:
        """As the contract has it."""
        return self._job.checkout

    def prepare(self) -> None:
        """Begin with what can be made while the checkout is laid out."""
        ahead = forecast(self._job.spec.pipeline)
        self._job.belongings.expect(ahead.uses)
        self._job.tools.rooms.expect(alone=ahead.alone_at_once, beside=ahead.beside_at_once)
        if ahead.has_home:
            self._home.prepare()

    def run(self, step: StepSpec, on_output: Output, stop: Stop) -> StepResult:
        """As the contract has it."""
        if (early := stop.reason) is not None:
            return stopped_by(early)
        return replace(self._run(step, on_output, stop), images=self._job.builds.used())

    def _run(self, step: StepSpec, on_output: Output, stop: Stop) -> StepResult:
        output = StepOutput(on_output)
        try:
            if step.kind is StepKind.PUSH:
                return run_push(self._job, step, output, stop)
            if step.service or step.image:
                return ServiceStep(self._job, self._sources, step, output, stop).run()
            return self._home.run(step, output, stop)
        except StepFailed as failed:
            # An order to stop ends the services, too: that they ended is then no failure of theirs.
            return failed.result if stop.reason is None else stopped_by(stop.reason)
        except Refused as refusal:
            raise EngineError(f"Docker refused: {refusal}") from refusal
        except RunnerError:
            if stop.reason is not None:
                return stopped_by(stop.reason)
            raise
        finally:
            output.close()

    def close(self) -> None:
        """Let go of everything; removing it goes on behind."""
        self._home.close()

    def _generate(self, service: str, output: StepOutput, stop: Stop) -> bytes:
        """What a service writes that makes a registry's credentials."""

        def run(job: Job, step: StepSpec) -> StepResult:
            return ServiceStep(job, self._sources, step, output, stop).run()

        return generate(self._job, service, output, run)

    def leave_room(self) -> None:
        """Give back the networks of the pipeline's container and of its engine, once these are gone."""
        self._home.leave_room()
        self._job.private_engine.leave_room()

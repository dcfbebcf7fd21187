"""CodeShip's two files, from their text to what became of it: the real reader, the real engine, Docker for real."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from builds.pipeline.make import make
from builds.pipeline.plan import Plan, PlanContext
from runners.contract import DirectorySource, JobResult, JobSpec, Outcome, Stop
from runners.engine import execute
from runners.executors.config import ExecutorSettings
from runners.executors.docker.executor import DockerExecutor
from tests.docker_images import docker_engine, docker_image  # noqa: F401 - fixtures
from tests.runners.jobs import Recorder

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Ran:
    """What became of a job."""

    result: JobResult
    plan: Plan
    recorder: Recorder

    @property
    def outcomes(self) -> dict[str, str]:
        """The steps' names and how they ended."""
        return {
            self.recorder.names[path]: str(result.outcome) for path, result in sorted(self.recorder.results.items())
        }

    def text(self, name: str) -> str:
        """What the step of that name printed."""
        path = next(path for path, its_name in self.recorder.names.items() if its_name == name)
        return self.recorder.text(*path)

    def last(self, name: str) -> str:
        """The last line that it printed."""
        return self.text(name).splitlines()[-1]

    @property
    def everything(self) -> str:
        """All output, for the message of a test that failed."""
        return "\n".join(
            f"--- {self.recorder.names.get(path)}: {self.recorder.results.get(path)}\n{self.recorder.text(*path)}"
            for path in sorted(self.recorder.outputs)
        )


@pytest.fixture(scope="session")
def executor(docker_image, tmp_path_factory):  # noqa: F811 - the fixture
    """On a data folder and with an instance name of this process's own."""
    settings = ExecutorSettings(
        name="docker",
        data_dir=tmp_path_factory.mktemp("codeship-data"),
        default_image=docker_image,
        memory_mb=512,
        pids=256,
        allow_local_repositories=True,
        instance=f"test-{secrets.token_hex(4)}",
    )
    executor = DockerExecutor(settings)
    executor.open()
    yield executor
    executor.close()


@pytest.fixture
def project(tmp_path) -> Path:
    """The checkout."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def go(executor, docker_image, project):  # noqa: F811 - the fixture
    """Runs a pair of files as a push to `branch`; `IMAGE` in any file is a small image with a shell."""

    def go(
        steps: str, services: str, files: Mapping[str, str] | None = None, branch: str = "master", **fields: object
    ) -> Ran:
        written = {"codeship-steps.yml": steps, "codeship-services.yml": services, **(files or {})}
        for name, text in written.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(text.replace("IMAGE", docker_image))
        texts = {name: (project / name).read_text() for name in ("codeship-steps.yml", "codeship-services.yml")}
        context = PlanContext(branch=branch, commit=COMMIT, repository="shop/web", build_id="b-1")
        plan = make(texts, context)
        (pipeline,) = plan.pipelines
        job = JobSpec(
            job_id=str(uuid.uuid4()), epoch=1, pipeline=pipeline, source=DirectorySource(path=project), **fields
        )
        recorder = Recorder()
        return Ran(execute(job, executor, recorder, Stop()), plan, recorder)

    return go


@pytest.fixture
def passes(go):
    """The same, for what has to pass."""

    def passes(*arguments: object, **fields: object) -> Ran:
        ran = go(*arguments, **fields)
        assert ran.result.outcome is Outcome.PASSED, f"{ran.result}\n{ran.everything}"
        return ran

    return passes


@pytest.fixture
def real_image(docker_engine):  # noqa: F811 - the fixture
    """The name of an image of a registry, where this machine has it."""

    def real_image(name: str) -> str:
        if not docker_engine.images.list(name=name):
            pytest.skip(f"the image {name} is not on this machine (make test brings it where a registry answers)")
        return name

    return real_image

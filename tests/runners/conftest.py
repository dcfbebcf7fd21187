"""Jobs for the engine and its executors."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from runners.contract import DirectorySource, JobSpec, PipelineSpec, StepSpec
from runners.executors.config import ExecutorSettings
from tests.docker_images import docker_engine, docker_image  # noqa: F401 - fixtures
from tests.runners.jobs import Recorder


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def make_job(tmp_path: Path):
    """Makes a job of the given steps on an empty folder; every field may be given."""

    def make(*steps: StepSpec, services=(), image="", pipeline_environment=None, **fields) -> JobSpec:
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        pipeline = PipelineSpec(
            name="test", steps=steps, services=tuple(services), image=image, environment=pipeline_environment or {}
        )
        values = {"job_id": str(uuid.uuid4()), "epoch": 1, "source": DirectorySource(path=folder), **fields}
        return JobSpec(pipeline=pipeline, **values)

    return make


@pytest.fixture
def make_settings(tmp_path: Path):
    """Makes the settings of an executor, on a data folder of the test's own."""

    def make(name: str, **fields) -> ExecutorSettings:
        return ExecutorSettings(
            **{"name": name, "data_dir": tmp_path / "data", "allow_local_repositories": True, **fields}
        )

    return make

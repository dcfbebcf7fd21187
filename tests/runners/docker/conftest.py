"""An executor for the whole session, and short ways to run steps in it."""

from __future__ import annotations

import contextlib
import secrets
import threading

import pytest

from runners.contract import Stop, StopReason
from runners.errors import SpecError
from runners.executors.config import ExecutorSettings
from runners.executors.docker.executor import DockerExecutor
from runners.verdict import of_error
from tests.runners.docker.engine_objects import EngineObjects
from tests.servers import wait_until


@pytest.fixture(scope="session")
def settings(docker_image, tmp_path_factory) -> ExecutorSettings:
    """On a data folder and with an instance name of this process's own."""
    return ExecutorSettings(
        name="docker",
        data_dir=tmp_path_factory.mktemp("docker-data"),
        default_image=docker_image,
        memory_mb=96,
        pids=128,
        allow_local_repositories=True,
        instance=f"test-{secrets.token_hex(4)}",
    )


@pytest.fixture(scope="session")
def executor(settings, docker_engine):
    executor = DockerExecutor(settings)
    executor.open()
    yield executor
    executor.close()
    # The product keeps built images for days, for their layers; nobody comes back for those of a test.
    objects = EngineObjects(docker_engine, settings.instance)
    objects.remove_images()
    assert objects.images() == []


@pytest.fixture
def objects(docker_engine, settings) -> EngineObjects:
    """What the engine has of this instance."""
    return EngineObjects(docker_engine, settings.instance)


@pytest.fixture
def walled(executor, objects, docker_engine):
    """The network that steps stand on, once it has been proved and a room on it is ready."""

    def found() -> list:
        return [
            network
            for one in objects.containers()
            if one.name.startswith("ci-room")
            for network in one.attrs["NetworkSettings"]["Networks"]
            if network.startswith("ci-steps")
        ]

    (network, *_) = wait_until(found, seconds=30, what="a room behind walls")
    return docker_engine.networks.get(network)


@pytest.fixture
def perform(executor, make_job):
    """Runs steps one after another in one workspace: [(result, text)]. What the project did wrong is a result, too."""

    def perform(*steps, stop: Stop | None = None, **fields) -> list[tuple]:
        stop = stop or Stop()
        job = make_job(*steps, **fields)
        with executor.workspace(job, stop, lambda _: None) as workspace:
            return [attempt(workspace, step, stop) for step in steps]

    return perform


def attempt(workspace, step, stop) -> tuple:
    heard: list[bytes] = []
    try:
        result = workspace.run(step, heard.append, stop)
    except SpecError as error:
        result = of_error(error)
    return result, b"".join(heard).decode(errors="replace")


@contextlib.contextmanager
def standing(executor, job):
    """A job whose first step runs meanwhile."""
    stop, begun = Stop(), threading.Event()
    with executor.workspace(job, stop, lambda _: None) as workspace:
        thread = threading.Thread(
            target=workspace.run, args=(job.pipeline.steps[0], lambda _: begun.set() and None, stop)
        )
        thread.start()
        try:
            assert begun.wait(30)
            yield
        finally:
            stop.order(StopReason.LOST_LEASE)
            thread.join()


@pytest.fixture
def project(tmp_path):
    """The folder that `make_job` gives its jobs as a checkout."""
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    return folder

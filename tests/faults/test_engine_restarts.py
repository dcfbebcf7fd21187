"""The engine itself is restarted under running steps: never the project's failure, and another attempt passes."""

from __future__ import annotations

import os
import shutil

import pytest

from builds.models.job import JobKind
from builds.services.enqueue import enqueue
from builds.states import Status
from runners.contract import PipelineSpec, StepSpec
from tests import servers
from tests.builds.queue import add_job
from tests.docker_images import ensure_busybox
from tests.faults.engines import OwnEngine, OwnInstance
from tests.faults.harness import SECONDS, until, until_ended, until_printing

pytestmark = [
    pytest.mark.docker,
    pytest.mark.timeout(240),
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("dockerd") is None, reason="root starts engines"),
]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Engines that start from now on leave containers running when they end, and find them again."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "dockerd").write_text(f'#!/bin/sh\nexec {shutil.which("dockerd")} "$@" --live-restore\n')
    (folder / "dockerd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.fixture
def engine(house):
    """An engine that may be restarted, used by the house."""
    engine = OwnEngine()
    engine.start()
    yield engine
    house.end_processes()
    engine.remove()


@pytest.fixture
def instance(house, engine):
    client = engine.client()
    instance = OwnInstance(client, ensure_busybox(client), engine.url)
    house.settings |= instance.settings
    yield instance
    client.close()


def restarted_in_mid_step(house, engine, push, reader):
    """A job whose engine was restarted under its first step, after its build has passed; and that step of attempt 1."""
    build = push()
    job = add_job(build, "echo begun; sleep 8; echo done", "echo second")
    house.runner("runner-a")
    until_printing(job)
    first = job.steps.get(attempt=1, position=0)
    servers.wait_until(lambda: b"begun" in reader.log(first), what="the first line")
    engine.stop()
    engine.start()
    assert until_ended(build, seconds=2 * SECONDS).status == Status.PASSED
    first.refresh_from_db()
    job.refresh_from_db()
    return job, first


def test_an_engine_restarted_in_mid_step(house, engine, instance, push, reader):
    job, first = restarted_in_mid_step(house, engine, push, reader)
    assert (first.status, first.failure, first.exit_code) == (Status.ERRORED, "engine", None)
    assert "Docker" in first.reason
    assert (job.status, job.attempt) == (Status.PASSED, 2)
    servers.wait_until(lambda: not instance.objects.of(job.uuid), what="the sweep")


def test_an_engine_that_is_away_for_a_while(house, engine, instance, push):
    """Jobs that come meanwhile wait, or are tried again, and pass when it is back."""
    house.runner("runner-a", RUNNER_CAPACITY="1")
    first = push()
    add_job(first, "echo fine")
    until_ended(first)
    engine.stop()
    second = first.project.builds.create(
        number=first.number + 1, ref=first.ref, branch=first.branch, commit=first.commit
    )
    job = add_job(second, "echo fine")
    until(job, attempt=1, status=Status.QUEUED)
    engine.start()
    assert until_ended(second, seconds=2 * SECONDS).status == Status.PASSED


def test_an_engine_that_kept_a_steps_own_container_running(house, kept, engine, instance, push, reader):
    """With live-restore the step goes on; its log says that something may be missing, which nobody heard meanwhile."""
    build = push()
    step = StepSpec(name="own", image=instance.settings["DEFAULT_IMAGE"], script="echo begun; sleep 20; echo done")
    job = enqueue(build, PipelineSpec(name="kept", steps=(step,)), kind=JobKind.PIPELINE, variables={})
    house.runner("runner-a")
    until_printing(job)
    first = job.steps.get(attempt=1, position=0)
    servers.wait_until(lambda: b"begun" in reader.log(first), what="the first line")
    engine.stop()
    engine.start()
    assert until_ended(build, seconds=2 * SECONDS).status == Status.PASSED
    job.refresh_from_db()
    assert job.attempt == 1
    log = reader.log(first)
    assert log.startswith(b"begun\n")
    assert b"some output may be missing here" in log
    assert log.endswith(b"done\n")
    servers.wait_until(lambda: not instance.objects.of(job.uuid), what="the removal")


def test_an_engine_that_kept_a_pipelines_container_running(house, kept, engine, instance, push, reader):
    """The shell that ran the step is out of reach: the attempt is the engine's failure, and another passes."""
    job, first = restarted_in_mid_step(house, engine, push, reader)
    assert (first.status, first.failure) == (Status.ERRORED, "engine")
    assert (job.status, job.attempt) == (Status.PASSED, 2)
    servers.wait_until(lambda: not instance.objects.of(job.uuid), what="the removal of what was kept")

"""The engine itself is restarted under running steps: never the project's failure, and another attempt passes."""

from __future__ import annotations

import os
import shutil

import pytest

from builds.states import Status
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


def test_an_engine_restarted_in_mid_step(house, engine, instance, push, reader):
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

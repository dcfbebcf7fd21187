"""Below the floor no job begins; the runner says so, makes what room it can, and goes on by itself."""

from __future__ import annotations

import pytest

from builds.models import Runner
from builds.runner.room import Room
from builds.services.measure import registry
from builds.services.waiting_of import why_waiting
from builds.states import Status
from runners.disk import free_mb
from runners.errors import EngineError
from tests import servers
from tests.builds.queue import add_job, fake_executor
from tests.builds.runner.test_loop import make_loop

__all__ = ["make_loop"]

NEVER_ENOUGH = 10**9


@pytest.fixture
def full(settings, tmp_path):
    settings.DATA_DIR, settings.EXECUTOR, settings.MIN_FREE_DISK_MB = tmp_path, "fake", NEVER_ENOUGH
    return settings


def test_a_full_disk_is_said_with_its_remedy(full, tmp_path):
    said = Room(lambda: None)()
    assert str(tmp_path) in said
    assert f"{free_mb(tmp_path)} MB" in said
    assert "MIN_FREE_DISK_MB" in said


def test_without_a_floor_there_is_always_room(full):
    full.MIN_FREE_DISK_MB = 0
    assert Room(lambda: None)() == ""


def test_what_can_go_goes_first_and_not_all_the_time(full, tmp_path):
    swept, now = [], [100.0]
    (tmp_path / "mirrors" / "a.git").mkdir(parents=True)
    room = Room(lambda: swept.append(1), clock=lambda: now[0])
    room(), room()
    assert len(swept) == 1
    assert not (tmp_path / "mirrors" / "a.git").exists()
    now[0] += 61
    room()
    assert len(swept) == 2


def test_the_engines_disk_counts_where_it_is_ours(full, tmp_path):
    full.EXECUTOR, full.DOCKER_URL, full.DOCKER_ROOT = "docker", "unix:///var/run/docker.sock", "/proc"
    assert "/proc" in Room(lambda: None)(), "the tighter of the two"
    full.DOCKER_URL = "tcp://elsewhere:2375"
    assert "/proc" not in Room(lambda: None)()


def test_no_job_begins_until_there_is_room(full, make_loop, make_build):
    build = make_build()
    job = add_job(build)
    loop = make_loop()
    loop.ring()
    servers.wait_until(lambda: Runner.objects.exclude(obstacle="").exists(), what="the runner to say so")
    job.refresh_from_db()
    assert (job.status, job.attempt) == (Status.QUEUED, 0)
    assert "The disk is nearly full" in why_waiting(build, [job]).reason
    assert registry().get_sample_value("ciservice_runners_hindered") == 1
    full.MIN_FREE_DISK_MB = 1
    servers.wait_until(lambda: type(job).objects.filter(pk=job.pk, status=Status.PASSED), what="the job to pass")
    servers.wait_until(lambda: Runner.objects.filter(obstacle="").exists(), what="the runner to say that, too")


def test_an_engine_that_does_not_answer_is_what_a_build_waits_for(make_loop, make_build, tmp_path):
    build = make_build()
    job = add_job(build)
    executor = fake_executor(tmp_path)

    def refuse() -> None:
        raise EngineError("No Docker engine answers.")

    executor.open = refuse
    make_loop(executor)
    servers.wait_until(lambda: Runner.objects.exclude(obstacle="").exists(), what="the runner to say so")
    assert "No Docker engine answers." in why_waiting(build, [job]).reason

"""F10: a disk that is full under a running house: nothing hangs, who waits is told why, and it recovers by itself."""

from __future__ import annotations

import os

import pytest

from builds.models import Runner
from builds.services.plan import plan
from builds.services.waiting_of import why_waiting
from builds.states import Status
from tests import servers
from tests.builds.queue import add_job
from tests.faults.disks import mounted
from tests.faults.harness import until, until_ended, until_printing

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="root mounts disks"),
]


@pytest.fixture
def disk(tmp_path, house):
    """Under the house's data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    with mounted(folder, 32) as disk:
        house.settings["MIN_FREE_DISK_MB"] = "0"
        yield disk
        house.end_processes()


def test_a_disk_that_fills_up_in_mid_step(house, disk, make_build, reader):
    """The step goes on and passes, its log says how much is missing; what comes after there is room again is whole."""
    build = make_build()
    job = add_job(build, "print first\nsleep 3\nflood 400000\nsleep 1\nprint last", "flood 2000000")
    house.runner()
    until_printing(job)
    disk.fill()
    assert until_ended(build).status == Status.PASSED
    steps = list(job.steps.order_by("position"))
    assert not steps[0].log_complete
    assert reader.log(steps[0])
    disk.free()
    later = make_build()
    last = add_job(later, "flood 400000")
    assert until_ended(later).status == Status.PASSED
    step = last.steps.get()
    assert (step.log_complete, len(reader.log(step)) >= 400_000) == (True, True)


def test_no_job_begins_below_the_floor(house, disk, make_build):
    house.settings["MIN_FREE_DISK_MB"] = "8"
    disk.fill()
    build = make_build()
    job = add_job(build)
    house.runner()
    servers.wait_until(lambda: Runner.objects.exclude(obstacle="").exists(), what="the runner to say so")
    job.refresh_from_db()
    assert (job.status, job.attempt) == (Status.QUEUED, 0)
    assert "The disk is nearly full: 0 MB" in why_waiting(build, [job]).reason
    disk.free()
    assert until_ended(build).status == Status.PASSED
    assert "nothing is claimed: The disk is nearly full" in house.logs()
    assert "jobs are claimed again" in house.logs()


def test_a_commit_that_finds_no_room_is_fetched_later(house, disk, push, settings):
    settings.DATA_DIR, settings.ALLOW_LOCAL_REPOSITORIES = disk.folder, True
    disk.fill()
    build = push()
    plan(build.pk)
    build.refresh_from_db()
    assert (build.status, build.planned_at, build.plan_attempts) == (Status.QUEUED, None, 1), "tried again, not failed"
    disk.free()
    house.worker()
    house.beat()
    house.runner()
    assert until_ended(build).status == Status.PASSED


def test_a_checkout_that_finds_no_room_is_another_attempt(house, disk, push):
    """With real checkouts: our fault, and the next attempt passes."""
    house.settings |= {"EXECUTOR": "process"}
    build = push()
    job = add_job(build, "echo fine")
    disk.fill()
    house.runner()
    until(job, status=Status.QUEUED, attempt=1)
    assert "disk" in job.reason or "No space" in job.reason or "written" in job.reason, job.reason
    disk.free()
    assert until_ended(build, seconds=120).status == Status.PASSED

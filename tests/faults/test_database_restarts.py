"""PostgreSQL restarted under running builds, away for longer than a lease, without room: nothing lost or doubled."""

from __future__ import annotations

import contextlib
import os
import secrets
import time

import pytest
from django.db import DatabaseError, connection, connections

from builds.models import Build, Step
from builds.states import FINAL, Status
from tests import servers
from tests.builds.queue import add_job
from tests.faults.databases import own_postgres
from tests.faults.disks import mounted
from tests.faults.harness import SECONDS, until_ended, until_printing

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(servers.postgres_binaries() is None, reason="PostgreSQL is not installed"),
]
LINES = [f"line {number}" for number in range(1, 13)]
SCRIPT = "\nsleep 0.25\n".join(f"print {line}" for line in LINES)
RESTARTS = 4
DISK_MB = 160


@pytest.fixture
def postgres(transactional_db, django_db_blocker):
    with own_postgres() as server:
        yield server


def restart(server: servers.Postgres, *, after: float = 0) -> None:
    """As after a power cut: no connection is ended, nothing is written down."""
    connections["default"].close()
    server.stop("immediate")
    time.sleep(after)
    server.start()


def whole_and_once(build: Build, reader) -> None:
    """Every job passed once, and the log of the attempt that passed is what it printed."""
    for job in build.jobs.all():
        assert [move.went_to for move in job.moves.all() if move.went_to in FINAL] == [Status.PASSED]
        step = job.steps.get(attempt=job.attempt)
        assert reader.log(step).decode().splitlines()[-len(LINES) :] == LINES
        assert reader.log(step).count(b"line 1\n") == 1
        assert step.log_complete


def test_restarts_under_running_builds_cost_no_attempt(postgres, house, reader, make_build):
    house.settings["LEASE_SECONDS"] = "20"
    builds = [make_build() for _ in range(4)]
    jobs = [add_job(build, SCRIPT) for build in builds]
    house.runner(RUNNER_CAPACITY="2")
    for _ in range(RESTARTS):
        with contextlib.suppress(AssertionError):  # between two jobs is a moment, too
            until_printing(jobs[-1], seconds=0.5)
        restart(postgres)
    for build in builds:
        assert until_ended(build).status == Status.PASSED
        whole_and_once(build, reader)
    assert {job.attempt for build in builds for job in build.jobs.all()} == {1}
    assert Step.objects.count() == len(jobs)


def test_a_database_that_is_away_for_longer_than_a_lease(postgres, house, reader, make_build):
    builds = [make_build() for _ in range(3)]
    jobs = [add_job(build, SCRIPT) for build in builds]
    house.runner(RUNNER_CAPACITY="2")
    until_printing(jobs[0])
    restart(postgres, after=6)
    for build in builds:
        assert until_ended(build, seconds=2 * SECONDS).status == Status.PASSED
        whole_and_once(build, reader)
    for job in jobs:
        job.refresh_from_db()
        lost = job.steps.exclude(attempt=job.attempt)
        assert job.steps.count() == job.attempt
        # It may have passed, and the database gone before its job was told so.
        assert set(lost.values_list("status", flat=True)) <= {Status.ERRORED, Status.SKIPPED, Status.PASSED}
    assert jobs[0].attempt == 2, "nobody may run on without a lease"


@pytest.fixture
def small_postgres(transactional_db, django_db_blocker):
    """The server, and the disk of its own that it is on."""
    with contextlib.ExitStack() as later:
        disks = []
        server = later.enter_context(
            own_postgres(lambda folder: disks.append(later.enter_context(mounted(folder, DISK_MB))))
        )
        yield server, *disks


def write_for_ever() -> None:
    with connection.cursor() as cursor:
        while True:
            cursor.execute("INSERT INTO ballast VALUES (%s)", [secrets.token_hex(500_000)])


@pytest.mark.skipif(os.geteuid() != 0, reason="root mounts disks")
def test_a_database_without_room_is_as_one_that_is_away(small_postgres, house, reader, make_build):
    server, disk = small_postgres
    builds = [make_build() for _ in range(3)]
    jobs = [add_job(build, SCRIPT) for build in builds]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE ballast (content text)")
    house.runner(RUNNER_CAPACITY="2")
    until_printing(jobs[0])
    disk.fill()
    with pytest.raises(DatabaseError):
        write_for_ever()
    connection.close()
    time.sleep(6)  # longer than a lease
    disk.free()
    with contextlib.suppress(RuntimeError):  # without room for its log it ends, and whoever keeps it starts it again
        server.start()
    for build in builds:
        assert until_ended(build, seconds=2 * SECONDS).status == Status.PASSED
        whole_and_once(build, reader)

"""PostgreSQL restarted without warning under running builds, and away for longer than a lease: nothing lost or doubled."""

from __future__ import annotations

import contextlib
import time

import pytest
from django.core.management import call_command
from django.db import connections

from builds.models import Build, Step
from builds.states import FINAL, Status
from tests import servers
from tests.builds.queue import add_job
from tests.faults.harness import SECONDS, until_ended, until_printing

pytestmark = [
    pytest.mark.timeout(200),
    pytest.mark.skipif(servers.postgres_binaries() is None, reason="PostgreSQL is not installed"),
]
LINES = [f"line {number}" for number in range(1, 13)]
SCRIPT = "\nsleep 0.25\n".join(f"print {line}" for line in LINES)
RESTARTS = 4


@pytest.fixture
def postgres(transactional_db, django_db_blocker):
    """A PostgreSQL of this test's own, which the test and its house use instead of the one of the run."""
    server = servers.Postgres()
    usual = connections.settings["default"]
    try:
        server.start()
        connections["default"].close()
        connections.settings["default"] = {
            **usual,
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "ci",
            "PASSWORD": "",
            "HOST": str(server.dir),
            "PORT": "",
            "OPTIONS": {},
        }
        del connections["default"]
        call_command("migrate", verbosity=0)
        yield server
    finally:
        connections["default"].close()
        connections.settings["default"] = usual
        del connections["default"]
        server.remove()


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
        assert set(lost.values_list("status", flat=True)) <= {Status.ERRORED, Status.SKIPPED}
    assert jobs[0].attempt == 2, "nobody may run on without a lease"

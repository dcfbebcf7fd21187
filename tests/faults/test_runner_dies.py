"""A runner that vanishes, freezes or is shut down: every job ends once, with the right result."""

from __future__ import annotations

import signal

import pytest
from django.db import connection

from builds.models.job import JobKind
from builds.services.cancel import cancel
from builds.states import Status
from tests.builds.queue import add_job
from tests.faults.harness import until, until_ended, until_printing


def test_a_killed_runner_costs_an_attempt_and_nothing_else(house, make_build, tmp_path):
    build = make_build()
    job = add_job(build, "print first\nsleep 4", "print second")
    runner = house.runner("runner-a")
    until_printing(job)
    runner.kill()
    house.runner("runner-b")
    until_ended(build)
    job.refresh_from_db()
    assert (build.status, job.attempt, job.owner) == (Status.PASSED, 2, "runner-b")
    states = list(job.steps.order_by("attempt", "position").values_list("attempt", "status"))
    assert states == [(1, "errored"), (1, "skipped"), (2, "passed"), (2, "passed")]
    assert [move.went_to for move in job.moves.order_by("pk")] == ["queued", "running", "queued", "running", "passed"]
    assert [move.went_to for move in build.moves.order_by("pk")].count("passed") == 1


def test_a_frozen_runner_wakes_up_as_a_ghost(house, make_build):
    build = make_build()
    job = add_job(build, "print first\nsleep 5\nprint last words")
    ghost = house.runner("runner-a")
    until_printing(job)
    ghost.send(signal.SIGSTOP)
    house.runner("runner-b")
    until(job, attempt=2)
    ghost.send(signal.SIGCONT)
    until_ended(build)
    job.refresh_from_db()
    first, second = job.steps.order_by("attempt")
    assert (build.status, job.owner, job.epoch) == (Status.PASSED, "runner-b", 3)
    assert (first.status, second.status) == (Status.ERRORED, Status.PASSED)
    assert ghost.is_alive


def test_a_killed_deployment_is_not_tried_again(house, make_build):
    build = make_build(status=Status.PASSED, finished_at="2026-01-01T00:00Z")
    job = add_job(build, "sleep 60", kind=JobKind.DEPLOYMENT)
    runner = house.runner("runner-a")
    until_printing(job)
    runner.kill()
    house.runner("runner-b")
    until(job, status=Status.ERRORED)
    assert (job.attempt, job.failure) == (1, "runner_lost")
    assert "nobody knows how far it came" in job.reason


def test_cancelling_reaches_a_running_job(house, make_build):
    build = make_build()
    job = add_job(build, "hang", "print never")
    house.runner("runner-a")
    until_printing(job)
    assert cancel(build, who="ada@example.com", reason="Not needed.")
    until_ended(build, seconds=10)
    job.refresh_from_db()
    assert (build.status, job.reason, job.attempt) == (Status.CANCELLED, "Not needed.", 1)


def test_a_runner_finds_its_database_again(house, make_build):
    """The runner is up before there is a row, and loses every connection while it works."""
    house.runner("runner-a")
    build = make_build()
    job = add_job(build, "sleep 3")
    until_printing(job)
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            pytest.skip("a file has no connections to lose")
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ciservice' "
            "AND pid <> pg_backend_pid() AND datname = current_database()"
        )
    until_ended(build)
    job.refresh_from_db()
    assert (build.status, job.attempt) == (Status.PASSED, 1)

"""A runner that vanishes, freezes or is shut down: every job ends once, with the right result."""

from __future__ import annotations

import signal

from builds.models.job import JobKind
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

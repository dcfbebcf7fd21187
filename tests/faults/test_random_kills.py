"""Runners killed at random moments, again and again: whatever they were about to do, each job ends once."""

from __future__ import annotations

import os
import random
import time

import pytest

from builds.models import Job, JobMove
from builds.states import FINAL, Status
from tests.builds.queue import add_job
from tests.faults.harness import SECONDS, until_ended
from tests.servers import wait_until

# At its full size: FAULTS_KILLS=20 pytest tests/faults/test_random_kills.py
KILLS = int(os.environ.get("FAULTS_KILLS", "8"))
RUNNERS, SEED = 3, 20261123
SCRIPT = "print begun\nsleep 1.2\nflood 20000\nprint done"


@pytest.mark.timeout(300 + 10 * KILLS)
def test_kills_at_random_moments(house, make_build):
    builds = kill_often(house, make_build, random.Random(SEED))
    house.runner("last", RUNNER_CAPACITY="6")
    for build in builds:
        assert until_ended(build, seconds=180).status in {Status.PASSED, Status.ERRORED}
    for job in Job.objects.all():
        ends = [move.went_to for move in job.moves.order_by("pk") if move.went_to in FINAL]
        assert ends == [job.status], "it ended once"
        # Three attempts that were all cut off are an ending, too.
        assert job.status == Status.PASSED or (job.failure, job.attempt) == ("runner_lost", job.max_attempts)
        assert job.steps.count() == job.attempt, "every attempt is there, and no other"
        # A runner may die between the end of its last step and the end of the job: both attempts passed then.
        assert (job.steps.get(attempt=job.attempt).status == Status.PASSED) == (job.status == Status.PASSED)
    claims = JobMove.objects.filter(went_to=Status.RUNNING).values_list("job", "epoch")
    assert len(claims) == len(set(claims)), "an epoch has one owner"
    assert Job.objects.filter(attempt__gt=1).exists(), "not one kill hit a job: this proves nothing"


def kill_often(house, make_build, chance: random.Random) -> list:
    """Some runners: in turn one that has a job and any one is killed, and another takes its place; jobs come meanwhile."""
    builds = []
    alive = {name: house.runner(name) for name in map("runner-{}".format, range(RUNNERS))}
    for number in range(KILLS):
        builds.append(make_build())
        add_job(builds[-1], SCRIPT), add_job(builds[-1], SCRIPT)
        busy = wait_until(lambda: alive.keys() & owners(), seconds=SECONDS, what="a runner with a job")
        victim = chance.choice(sorted(alive if number % 2 else busy))
        time.sleep(chance.uniform(0, 1.5))
        alive.pop(victim).kill()
        name = f"runner-{RUNNERS + number}"
        alive[name] = house.runner(name)
    for runner in alive.values():
        runner.kill()
    return builds


def owners() -> set[str]:
    return set(Job.objects.filter(status=Status.RUNNING).values_list("owner", flat=True))

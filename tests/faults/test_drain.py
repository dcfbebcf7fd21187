"""SIGTERM: no new claims, running jobs get their time, what is left waits again and no attempt is lost."""

from __future__ import annotations

import signal

import pytest

from builds.models import Runner
from builds.states import Status
from tests import servers
from tests.builds.queue import add_job
from tests.faults.harness import until, until_ended, until_printing


def until_up(name: str = "runner-a") -> None:
    servers.wait_until(lambda: Runner.objects.filter(name=name).exists(), what="the runner's row")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_runner_leaves_at_once(house, number):
    runner = house.runner()
    until_up()
    runner.send(number)
    assert runner.wait(10) == 0
    assert not Runner.objects.exists()


def test_a_running_job_may_end_and_no_other_begins(house, make_build):
    build = make_build()
    job = add_job(build, "sleep 4")
    runner = house.runner()
    until_printing(job)
    runner.send(signal.SIGTERM)
    servers.wait_until(lambda: Runner.objects.filter(draining=True).exists(), what="the runner to say that it drains")
    waiting = add_job(make_build())
    assert runner.wait(30) == 0
    job.refresh_from_db()
    waiting.refresh_from_db()
    assert (job.status, job.attempt, waiting.status) == (Status.PASSED, 1, Status.QUEUED)


def test_after_the_drain_time_the_job_waits_again_and_keeps_its_attempts(house, make_build):
    build = make_build()
    job = add_job(build, "print x\nsleep 8")
    runner = house.runner(DRAIN_SECONDS="1")
    until_printing(job)
    runner.send(signal.SIGTERM)
    assert runner.wait(30) == 0
    job.refresh_from_db()
    assert (job.status, job.owner, job.attempt, job.max_attempts) == (Status.QUEUED, "", 1, 4)
    assert "shut down" in job.reason
    house.runner("runner-b")
    until_ended(build)
    assert build.status == Status.PASSED


def test_a_second_signal_ends_the_wait(house, make_build):
    job = add_job(make_build(), "hang")
    runner = house.runner(DRAIN_SECONDS="600")
    until_printing(job)
    runner.send(signal.SIGTERM)
    servers.wait_until(lambda: Runner.objects.filter(draining=True).exists(), what="the runner to say that it drains")
    runner.send(signal.SIGTERM)
    assert runner.wait(30) == 0
    until(job, status=Status.QUEUED)


def test_a_runner_without_a_broker_drains_as_well(house, make_build):
    house.redis.kill()
    job = add_job(make_build(), "sleep 3")
    runner = house.runner()
    until_printing(job)
    runner.send(signal.SIGTERM)
    assert runner.wait(30) == 0
    until(job, status=Status.PASSED)


def test_in_the_thick_of_it_nothing_is_left_owned_by_a_process_that_is_gone(house, make_build):
    build = make_build()
    for _ in range(30):
        add_job(build, "print x\nsleep 0.2")
    house.settings["LEASE_SECONDS"] = "60"  # nobody is lost here, however busy the machine is
    runner = house.runner(RUNNER_CAPACITY="2")
    servers.wait_until(lambda: build.jobs.filter(status=Status.PASSED).count() >= 3, what="three jobs")
    runner.send(signal.SIGTERM)
    assert runner.wait(30) == 0
    assert not build.jobs.filter(status=Status.RUNNING).exists()
    assert build.jobs.filter(status=Status.QUEUED).exists()
    house.runner("runner-b", RUNNER_CAPACITY="4")
    assert until_ended(build).status == Status.PASSED
    assert set(build.jobs.values_list("attempt", flat=True)) == {1}

"""The loop in one process, on the fake executor: slots, orders, the fence, the drain, and outages."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connection

from builds.invariants import check_invariants
from builds.logs import live
from builds.models import Job, Runner
from builds.runner import RunnerLoop, Times
from builds.runner.held import HeldJobs
from builds.runner.turns import Turns
from builds.services.cancel import cancel
from builds.services.claim import Claim
from builds.services.reap import reap
from builds.states import FINAL, Status
from runners.contract import StopReason
from runners.errors import EngineError
from tests import servers
from tests.builds.queue import RUNNER, add_job, fake_executor

TIMES = Times(poll=0.2, heartbeat=0.1, self_fence=30, reap=60, watch=0.05, fence_tick=0.02, sweep=60, stop=10)


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def make_loop(transactional_db, tmp_path, settings):
    """Makes a loop that is started, and stopped with the test."""
    settings.DATA_DIR = tmp_path
    loops: list[RunnerLoop] = []

    def make(executor=None, capacity: int = 2, times: Times = TIMES, **options: object) -> RunnerLoop:
        loop = RunnerLoop(executor or fake_executor(tmp_path), RUNNER, capacity=capacity, times=times, **options)
        loops.append(loop)
        loop.start()
        return loop

    yield make
    for loop in loops:
        loop.drain(0)
        loop.stop()
    live.disconnect()
    assert check_invariants() == []


def ended(*jobs: Job) -> bool:
    return all(
        status in FINAL for status in Job.objects.filter(pk__in=[j.pk for j in jobs]).values_list("status", flat=True)
    )


def running() -> int:
    return Job.objects.filter(status=Status.RUNNING).count()


def test_it_polls_and_never_holds_more_than_its_slots(make_loop, make_build):
    build = make_build()
    jobs = [add_job(build, "sleep 0.2") for _ in range(5)]
    loop = make_loop()
    seen = set()
    servers.wait_until(lambda: seen.add(running()) or ended(*jobs), what="five jobs")
    assert max(seen) <= 2
    servers.wait_until(lambda: loop.held == 0, what="free slots")


def test_a_bell_is_heard_before_the_next_poll(make_loop, make_build):
    loop = make_loop(times=Times(**{**TIMES.__dict__, "poll": 3600}))
    servers.wait_until(lambda: Runner.objects.exists(), what="the first heartbeat")
    job = add_job(make_build())

    def rung() -> bool:
        loop.ring()
        return ended(job)

    servers.wait_until(rung, what="the job")


def test_its_row_tells_who_it_is_and_goes_with_it(make_loop):
    loop = make_loop()
    servers.wait_until(lambda: Runner.objects.exists(), what="the row")
    row = Runner.objects.get()
    assert (row.name, row.capacity, row.executor, row.draining) == ("runner-a", 2, "fake", False)
    loop.drain(0)
    loop.stop()
    assert not Runner.objects.exists()


def test_a_cancelled_job_stops(make_loop, make_build):
    build = make_build()
    job = add_job(build, "hang")
    make_loop()
    servers.wait_until(lambda: job.steps.filter(status="running").exists(), what="the step")
    cancel(build, who="ada", reason="No.")
    servers.wait_until(lambda: ended(job), seconds=5, what="the end")
    job.refresh_from_db()
    assert job.status == Status.CANCELLED


def test_an_overdue_job_is_stopped_by_order_of_the_server(make_loop, make_build):
    job = add_job(make_build(), "hang")
    make_loop()
    servers.wait_until(lambda: job.steps.filter(status="running").exists(), what="the step")
    Job.objects.filter(pk=job.pk).update(deadline_at="2020-01-01T00:00Z")
    servers.wait_until(lambda: ended(job), what="the end")
    job.refresh_from_db()
    assert (job.status, job.failure) == (Status.FAILED, "timed_out")


def test_drain_lets_jobs_end_and_keeps_their_leases(make_loop, make_build, settings):
    settings.LEASE_SECONDS = 1
    job, later = add_job(make_build(), "sleep 2"), add_job(make_build(), "print x", priority=-1)
    loop = make_loop(capacity=1)
    servers.wait_until(lambda: running() == 1, what="the job")
    assert loop.drain(10)
    job.refresh_from_db()
    later.refresh_from_db()
    assert (job.status, job.attempt, later.status) == (Status.PASSED, 1, Status.QUEUED)


def test_an_engine_that_comes_up_late_is_waited_for(make_loop, make_build, tmp_path):
    executor = fake_executor(tmp_path)
    answers = iter([EngineError("no engine yet")])
    opened = executor.open

    def open_late() -> None:
        if error := next(answers, None):
            raise error
        opened()

    executor.open = open_late
    job = add_job(make_build())
    make_loop(executor)
    servers.wait_until(lambda: ended(job), what="the job")


def test_a_broken_engine_is_left_alone_for_a_while(make_loop, make_build):
    clock = Clock()
    build = make_build()
    broken = add_job(build, "infra The engine is gone.")
    add_job(build, "print x")
    loop = make_loop(capacity=1, clock=clock)
    servers.wait_until(
        lambda: Job.objects.filter(pk=broken.pk, attempt=1, status="queued").exists(), what="the failure"
    )
    servers.wait_until(lambda: loop.held == 0, what="a free slot")
    loop.ring()
    assert running() == 0
    clock.now += 61
    loop.ring()
    servers.wait_until(lambda: build.jobs.filter(status=Status.PASSED).exists(), what="the other job")
    Job.objects.filter(pk=broken.pk).update(spec={"name": "x", "steps": []})


class TestFence:
    def held(self, clock) -> HeldJobs:
        jobs = HeldJobs(clock=clock)
        jobs.add(Claim(job_id=1, epoch=1, attempt=1, owner="a"), renewed_at=clock())
        jobs.add(Claim(job_id=2, epoch=1, attempt=1, owner="a"), renewed_at=clock())
        return jobs

    def test_who_is_not_renewed_is_stopped_before_anybody_reaps(self):
        clock = Clock()
        jobs = self.held(clock)
        clock.now += 44
        jobs.renew([2], at=clock())
        assert jobs.fence(45) == []
        clock.now += 2
        assert jobs.fence(45) == [1]
        servers.wait_until(lambda: [claim.job_id for claim in jobs.claims()] == [2], what="the order")
        assert jobs.fence(45) == []

    def test_a_renewal_counts_from_when_it_was_asked_for(self):
        clock = Clock()
        jobs = self.held(clock)
        asked_at = clock()
        clock.now += 30
        jobs.renew([1, 2], at=asked_at)
        clock.now += 16
        assert sorted(jobs.fence(45)) == [1, 2]

    def test_an_order_does_not_wait_for_what_it_stops(self):
        clock = Clock()
        jobs = HeldJobs(clock=clock)
        held = jobs.add(Claim(job_id=1, epoch=1, attempt=1, owner="a"), renewed_at=clock())
        release = threading.Event()
        held.stop.on_order(lambda reason: release.wait(10))
        jobs.order([1], StopReason.CANCELLED)
        assert held.stop.wait(5)
        release.set()


def test_the_fence_works_though_the_heartbeat_hangs(make_loop, make_build, monkeypatch):
    clock, hang = Clock(), threading.Event()
    job = add_job(make_build(), "hang")
    loop = make_loop(clock=clock)
    servers.wait_until(lambda: job.steps.filter(status="running").exists(), what="the step")
    monkeypatch.setattr("builds.runner.heart.heartbeat", lambda claims: hang.wait(20))
    monkeypatch.setattr("builds.runner.heart.watch", lambda claims: hang.wait(20))
    clock.now += 31
    try:
        servers.wait_until(lambda: loop.held == 0, what="the fence")
    finally:
        monkeypatch.undo()
        hang.set()
    job.refresh_from_db()
    assert (job.status, job.epoch) == (Status.RUNNING, 1), "a ghost writes nothing; the reaper will"
    Job.objects.update(lease_expires_at="2020-01-01T00:00Z")
    assert reap() == 1


def test_turns_outlive_what_they_talk_to():
    turns_taken, failures = [], iter([OperationalError("away"), ValueError("a bug")])

    def action() -> None:
        turns_taken.append(1)
        if error := next(failures, None):
            raise error

    turns = Turns("test", 0.01, action)
    turns.start()
    servers.wait_until(lambda: turns.wake() or len(turns_taken) >= 4, what="four turns")
    turns.stop(seconds=5)
    connection.close()

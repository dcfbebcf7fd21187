"""How an attempt ends: by its result, by the reaper, by a wish; each job once, and its build with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from builds.models import Build, Job, Runner
from builds.models.job import JobKind
from builds.services.cancel import cancel, cancel_job
from builds.services.claim import Claim, claim
from builds.services.finish import finish
from builds.services.heartbeat import heartbeat, watch
from builds.services.reap import reap
from builds.states import Status
from runners.contract import Failure, JobResult, Outcome, StopReason
from tests.builds.queue import OTHER, RUNNER, add_job, age, claim_now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]

PASSED = JobResult(outcome=Outcome.PASSED)
STOPPED = JobResult(outcome=Outcome.CANCELLED, reason="Stopped.")
BROKE = JobResult(outcome=Outcome.ERRORED, failure=Failure.ENGINE, reason="The engine is gone.", retry=True)
LONG_AGO = timedelta(hours=1)


def now_of(row):
    row.refresh_from_db()
    return row


def begin_steps(job: Job) -> None:
    """Have the first step of the present attempt run."""
    job.steps.filter(attempt=now_of(job).attempt, position=0).update(status=Status.RUNNING, started_at=Now())


def no_rest(job: Job) -> None:
    age(job, not_before=timedelta(0))


def taken_over(build: Build) -> tuple[Job, Claim, Claim]:
    """A job that its first owner lost: the claim of the ghost, and the owner's."""
    job = add_job(build)
    ghost = claim_now()
    age(job, lease_expires_at=LONG_AGO)
    reap()
    no_rest(job)
    return job, ghost, claim_now(OTHER)


class TestFinish:
    @pytest.mark.parametrize("outcome", Outcome)
    def test_the_result_is_the_state_of_job_and_build(self, make_build, outcome):
        job = add_job(make_build())
        assert finish(claim_now(), JobResult(outcome=outcome, failure=Failure.EXIT_CODE, reason="So it was."))
        assert (now_of(job).status, job.reason, job.failure) == (outcome, "So it was.", "exit_code")
        assert job.lease_expires_at is None
        assert now_of(job.build).status == outcome

    def test_it_is_written_once(self, make_build):
        job = add_job(make_build())
        taken = claim_now()
        assert finish(taken, PASSED)
        assert not finish(taken, JobResult(outcome=Outcome.FAILED))
        assert now_of(job).status == Status.PASSED

    def test_a_ghost_writes_nothing(self, make_build):
        job, ghost, owner = taken_over(make_build())
        assert not finish(ghost, PASSED)
        assert now_of(job).status == Status.RUNNING
        assert finish(owner, JobResult(outcome=Outcome.FAILED))
        assert not finish(ghost, PASSED)
        assert now_of(job).status == Status.FAILED

    def test_who_lost_the_lease_says_nothing(self, make_build):
        job = add_job(make_build())
        assert not finish(claim_now(), PASSED, stopped=StopReason.LOST_LEASE)
        assert now_of(job).status == Status.RUNNING

    def test_steps_that_were_left_open_are_closed(self, make_build):
        job = add_job(make_build(), "a", "b")
        taken = claim_now()
        begin_steps(job)
        finish(taken, JobResult(outcome=Outcome.ERRORED, failure=Failure.CHECKOUT, reason="No commit."))
        assert list(job.steps.values_list("status", "reason")) == [
            ("errored", "No commit."),
            ("skipped", "No commit."),
        ]

    def test_our_own_failures_are_tried_again_three_times_in_all(self, make_build):
        job = add_job(make_build())
        for attempt in (1, 2):
            assert finish(claim_now(), BROKE)
            assert (now_of(job).status, job.attempt, job.owner) == (Status.QUEUED, attempt, "")
            assert f"Attempt {attempt} of 3" in job.reason
            assert claim(RUNNER) is None, "it rests"
            assert now_of(job.build).status == Status.QUEUED
            no_rest(job)
        assert finish(claim_now(), BROKE)
        assert (now_of(job).status, job.attempt, job.failure) == (Status.ERRORED, 3, "engine")
        assert job.steps.count() == 3
        assert claim(RUNNER) is None

    @pytest.mark.parametrize(
        "result",
        [
            JobResult(outcome=Outcome.FAILED, failure=Failure.EXIT_CODE),
            JobResult(outcome=Outcome.FAILED, failure=Failure.TIMED_OUT),
            JobResult(outcome=Outcome.FAILED, failure=Failure.OUT_OF_MEMORY),
            JobResult(outcome=Outcome.ERRORED, failure=Failure.IMAGE, retry=False),
        ],
    )
    def test_the_projects_own_failures_are_final(self, make_build, result):
        job = add_job(make_build())
        finish(claim_now(), result)
        assert now_of(job).is_final

    def test_a_deployment_that_broke_is_not_tried_again(self, make_build):
        job = add_job(make_build(status=Status.PASSED, finished_at=Now()), kind=JobKind.DEPLOYMENT)
        finish(claim_now(), BROKE)
        assert now_of(job).status == Status.ERRORED

    def test_a_drained_job_waits_again_and_keeps_its_attempts(self, make_build):
        job = add_job(make_build(), "a", "b")
        taken = claim_now()
        begin_steps(job)
        finish(taken, STOPPED, stopped=StopReason.DRAINED)
        assert (now_of(job).status, job.max_attempts - job.attempt) == (Status.QUEUED, 3)
        assert list(job.steps.values_list("status", flat=True)) == ["cancelled", "skipped"]
        assert claim_now(OTHER).attempt == 2

    def test_a_job_that_passed_while_the_runner_drained_has_passed(self, make_build):
        job = add_job(make_build())
        finish(claim_now(), PASSED, stopped=StopReason.DRAINED)
        assert now_of(job).status == Status.PASSED

    @pytest.mark.parametrize(("has_begun", "ends"), [(True, Status.ERRORED), (False, Status.QUEUED)])
    def test_a_drained_deployment_goes_on_only_where_nothing_was_done(self, make_build, has_begun, ends):
        job = add_job(make_build(status=Status.PASSED, finished_at=Now()), kind=JobKind.DEPLOYMENT)
        taken = claim_now()
        if has_begun:
            begin_steps(job)
        finish(taken, STOPPED, stopped=StopReason.DRAINED)
        assert now_of(job).status == ends

    def test_the_build_waits_for_all_its_jobs(self, make_build):
        build = make_build()
        add_job(build), add_job(build)
        finish(claim_now(), PASSED)
        assert now_of(build).status == Status.RUNNING
        finish(claim_now(), JobResult(outcome=Outcome.FAILED, reason="unit: exit code 1"))
        assert (now_of(build).status, build.reason) == (Status.FAILED, "unit: exit code 1")


class TestCancel:
    def test_a_build_without_a_plan(self, make_build):
        build = make_build()
        assert cancel(build, who="ada@example.com", reason="Wrong branch.")
        assert (now_of(build).status, build.reason) == (Status.CANCELLED, "Wrong branch.")
        assert build.moves.get().who == "ada@example.com"

    def test_waiting_jobs_at_once(self, make_build):
        build = make_build()
        add_job(build), add_job(build)
        assert cancel(build, who="ada", reason="No.")
        assert now_of(build).status == Status.CANCELLED
        assert claim(RUNNER) is None
        assert not cancel(build, who="ada", reason="No.")

    def test_a_running_job_is_asked_and_says_when_it_stopped(self, make_build):
        build = make_build()
        job = add_job(build)
        taken = claim_now()
        assert cancel(build, who="ada", reason="No.")
        assert not cancel(build, who="bob", reason="Again.")
        assert now_of(job).status == Status.RUNNING
        assert watch([taken]).cancelled == {job.pk}
        assert heartbeat([taken]).cancelled == {job.pk}
        assert finish(taken, STOPPED, stopped=StopReason.CANCELLED)
        assert (now_of(job).status, job.reason, now_of(build).status) == (Status.CANCELLED, "No.", Status.CANCELLED)

    def test_some_running_some_waiting(self, make_build):
        build = make_build()
        running, waiting = add_job(build), add_job(build)
        taken = claim_now()
        cancel(build, who="ada", reason="No.")
        assert (now_of(running).status, now_of(waiting).status) == (Status.RUNNING, Status.CANCELLED)
        assert now_of(build).status == Status.RUNNING
        finish(taken, STOPPED)
        assert now_of(build).status == Status.CANCELLED

    def test_a_job_that_passes_before_it_hears_of_it_has_passed(self, make_build):
        job = add_job(make_build())
        taken = claim_now()
        cancel_job(job, who="ada", reason="No.")
        finish(taken, PASSED)
        assert now_of(job).status == Status.PASSED
        assert not cancel_job(job, who="ada", reason="No.")

    @pytest.mark.parametrize("result", [BROKE, STOPPED])
    def test_a_job_that_was_to_stop_never_waits_again(self, make_build, result):
        job = add_job(make_build())
        taken = claim_now()
        cancel_job(job, who="ada", reason="No.")
        finish(taken, result, stopped=StopReason.DRAINED)
        assert (now_of(job).status, job.reason) == (Status.CANCELLED, "No.")

    def test_a_build_that_ended_stays(self, make_build):
        build = make_build(status=Status.PASSED, finished_at=Now())
        assert not cancel(build, who="ada", reason="No.")
        assert now_of(build).status == Status.PASSED

    def test_deployments_of_a_build_are_not_its_own(self, make_build):
        build = make_build()
        add_job(build)
        deployment = add_job(build, kind=JobKind.DEPLOYMENT)
        cancel(build, who="ada", reason="No.")
        assert now_of(deployment).status == Status.QUEUED


class TestHeartbeat:
    def test_it_renews_by_the_databases_clock(self, make_build):
        job = add_job(make_build())
        taken = claim_now()
        age(job, lease_expires_at=timedelta(seconds=1))
        assert heartbeat([taken]).renewed == {job.pk}
        assert not Job.objects.filter(pk=job.pk, lease_expires_at__lt=Now()).exists()

    def test_it_tells_what_is_lost_and_renews_nothing_of_another(self, make_build):
        job, ghost, owner = taken_over(make_build())
        before = now_of(job).lease_expires_at
        orders = heartbeat([ghost])
        assert (orders.lost, orders.renewed) == ({job.pk}, frozenset())
        assert now_of(job).lease_expires_at == before
        assert heartbeat([owner]).lost == frozenset()

    def test_it_tells_what_is_overdue(self, make_build):
        job = add_job(make_build())
        taken = claim_now()
        assert heartbeat([taken]).overdue == frozenset()
        age(job, deadline_at=timedelta(seconds=1))
        assert heartbeat([taken]).overdue == {job.pk}

    def test_many_jobs_cost_as_many_queries_as_one(self, make_build, django_assert_max_num_queries):
        for _ in range(10):
            add_job(make_build())
        claims = [claim_now() for _ in range(10)]
        with django_assert_max_num_queries(6):
            assert len(heartbeat(claims).renewed) == 10
        with django_assert_max_num_queries(1):
            watch(claims)


class TestReap:
    def test_a_lease_that_holds_is_left_alone(self, make_build):
        job = add_job(make_build())
        claim_now()
        assert reap() == 0
        assert now_of(job).status == Status.RUNNING

    def test_a_lost_job_waits_again_at_the_back(self, make_build):
        job = add_job(make_build(), "a", "b")
        claim_now()
        begin_steps(job)
        age(job, lease_expires_at=timedelta(seconds=1))
        assert reap() == 1
        assert (now_of(job).status, job.epoch, job.owner, job.lease_expires_at) == (Status.QUEUED, 2, "", None)
        assert "runner-a was lost" in job.reason
        assert [(step.status, step.log_ended) for step in job.steps.all()] == [("errored", True), ("skipped", False)]
        assert job.moves.latest("pk").who == "reaper"
        assert reap() == 0
        assert claim(RUNNER) is None, "it rests"

    def test_a_poison_job_ends(self, make_build):
        job = add_job(make_build())
        for _ in range(3):
            no_rest(job)
            claim_now()
            age(job, lease_expires_at=timedelta(seconds=1))
            assert reap() == 1
        assert (now_of(job).status, job.failure, job.attempt) == (Status.ERRORED, "runner_lost", 3)
        assert now_of(job.build).status == Status.ERRORED

    def test_a_lost_deployment_is_an_unknown_outcome(self, make_build):
        job = add_job(make_build(status=Status.PASSED, finished_at=Now()), kind=JobKind.DEPLOYMENT)
        claim_now()
        age(job, lease_expires_at=timedelta(seconds=1))
        reap()
        assert (now_of(job).status, job.failure) == (Status.ERRORED, "runner_lost")
        assert "nobody knows how far it came" in job.reason

    def test_a_lost_job_that_was_to_stop_is_cancelled(self, make_build):
        job = add_job(make_build())
        claim_now()
        cancel_job(job, who="ada", reason="No.")
        age(job, lease_expires_at=timedelta(seconds=1))
        reap()
        assert (now_of(job).status, job.reason) == (Status.CANCELLED, "No.")

    def test_cancelling_that_takes_too_long_is_forced(self, make_build):
        job = add_job(make_build())
        taken = claim_now()
        cancel_job(job, who="ada", reason="No.")
        assert reap() == 0
        age(job, cancel_requested_at=timedelta(minutes=6))
        assert reap() == 1
        assert now_of(job).status == Status.CANCELLED
        assert heartbeat([taken]).lost == {job.pk}

    def test_the_server_ends_what_is_overdue_though_its_runner_lives(self, make_build):
        job = add_job(make_build())
        taken = claim_now()
        begin_steps(job)
        age(job, deadline_at=timedelta(seconds=5))
        assert reap() == 0, "the runner has its grace"
        age(job, deadline_at=timedelta(seconds=90))
        heartbeat([taken])
        assert reap() == 1
        assert (now_of(job).status, job.failure, now_of(job.build).status) == ("failed", "timed_out", "failed")
        assert not finish(taken, PASSED)

    def test_a_deployment_that_ran_on_past_its_time_is_nobodys_failure(self, make_build):
        job = add_job(make_build(), kind=JobKind.DEPLOYMENT)
        claim_now()
        begin_steps(job)
        age(job, deadline_at=timedelta(seconds=90))
        assert reap() == 1
        assert (now_of(job).status, job.failure) == ("errored", "runner_lost")

    @pytest.mark.parametrize(("labels", "ends"), [([], Status.ERRORED), (["gpu"], Status.QUEUED)])
    def test_a_job_that_nobody_can_take_does_not_wait_for_ever(self, make_build, labels, ends):
        Runner.objects.create(name="r", labels=labels, executor="fake", version="1", started_at=Now(), seen_at=Now())
        job = add_job(make_build(), labels=("gpu",))
        age(job, not_before=timedelta(hours=23))
        assert reap() == 0
        age(job, not_before=timedelta(hours=25))
        reap()
        assert now_of(job).status == ends

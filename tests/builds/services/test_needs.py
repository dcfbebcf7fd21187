"""Pipelines that need others: blocked, let go, left out; and what an allowed failure and a wanted retry change."""

from __future__ import annotations

import pytest

from builds.models import Job
from builds.models.job import JobKind
from builds.services.cancel import cancel
from builds.services.claim import claim
from builds.services.enqueue import enqueue
from builds.services.finish import finish
from builds.services.verdict import newest_steps, verdict
from builds.states import Status
from runners.contract import Failure, JobResult, Outcome, PipelineSpec, StepSpec
from tests.builds.queue import RUNNER, claim_now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]

PASSED = JobResult(outcome=Outcome.PASSED)
FAILED = JobResult(outcome=Outcome.FAILED, failure=Failure.EXIT_CODE, reason="unit: exit code 1")


@pytest.fixture
def build(make_build):
    return make_build()


@pytest.fixture
def add(build):
    """Enqueues a pipeline of this name."""

    def add(name, *needs, **fields):
        spec = PipelineSpec(name=name, steps=(StepSpec(name="unit", script="x"),), needs=needs, **fields)
        return enqueue(build, spec, kind=JobKind.PIPELINE, variables={}, position=Job.objects.count())

    return add


def states(build):
    build.refresh_from_db()
    return {"": build.status, **dict(build.jobs.values_list("name", "status"))}


def end(result=PASSED):
    """Runs the next job to this end; its name."""
    taken = claim_now()
    assert finish(taken, result)
    return Job.objects.get(pk=taken.job_id).name


def test_one_waits_for_all_that_it_needs(build, add):
    add("test", "build", "lint")
    add("build")
    add("lint")
    assert states(build) == {"": "queued", "test": "blocked", "build": "queued", "lint": "queued"}
    assert {end(), end()} == {"build", "lint"}
    assert states(build)["test"] == Status.QUEUED
    assert end() == "test"
    assert states(build)[""] == Status.PASSED
    assert list(Job.objects.get(name="test").moves.order_by("pk").values_list("went_to", flat=True)) == [
        "blocked",
        "queued",
        "running",
        "passed",
    ]


def test_what_needs_a_failure_is_left_out_and_so_is_what_needs_that(build, add):
    add("last", "test")
    add("test", "build")
    add("build")
    end(FAILED)
    assert states(build) == {"": "failed", "last": "skipped", "test": "skipped", "build": "failed"}
    assert Job.objects.get(name="last").reason == "test did not pass."
    assert claim(RUNNER) is None


def test_a_failure_that_is_allowed_holds_up_nobody(build, add):
    add("lint", allow_failure=True)
    add("test", "lint")
    end(FAILED)
    assert states(build) == {"": "running", "lint": "failed", "test": "queued"}
    assert str(verdict(build, newest_steps(build))) == "Running"
    end()
    assert states(build)[""] == Status.PASSED


def test_our_own_sides_breaking_is_not_what_was_allowed(build, add):
    add("lint", allow_failure=True)
    end(JobResult(outcome=Outcome.ERRORED, failure=Failure.IMAGE, reason="no image"))
    assert states(build)[""] == Status.ERRORED


def test_what_the_build_left_out_is_not_waited_for(build, add):
    add("test", "nightly", "build")
    add("build")
    end()
    assert states(build)["test"] == Status.QUEUED


def test_cancelling_ends_the_blocked_ones_too(build, add):
    add("test", "build")
    add("build")
    cancel(build, who="x", reason="y")
    assert set(states(build).values()) <= {"cancelled", "skipped"}
    assert states(build)[""] == Status.CANCELLED


def test_a_job_is_tried_again_as_often_as_it_says(build, add):
    add("flaky", retries=1)
    add("next", "flaky")
    end(FAILED)
    assert states(build) == {"": "queued", "flaky": "queued", "next": "blocked"}
    assert "tried again, as its `retry` says" in Job.objects.get(name="flaky").reason
    end(FAILED)
    assert states(build) == {"": "failed", "flaky": "failed", "next": "skipped"}


def test_how_often_our_side_may_break(build, add):
    add("once", attempts=1)
    end(JobResult(outcome=Outcome.ERRORED, failure=Failure.ENGINE, reason="broke", retry=True))
    assert states(build)[""] == Status.ERRORED

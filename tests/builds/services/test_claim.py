"""Claims: who gets what, in which order, inside which limits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import Organization
from builds.models import Job, JobMove, Project
from builds.models.job import JobKind
from builds.pipeline.plan import pipeline_to_json
from builds.services.claim import RunnerIdentity, claim
from builds.services.finish import finish
from builds.states import Status
from runners.contract import JobResult, Outcome, PipelineSpec, StepKind, StepSpec
from tests.builds.queue import OTHER, RUNNER, add_job, age, claim_now, pipeline

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]


@pytest.fixture
def make_team(make_build):
    """Makes an organisation with so many waiting jobs, each of a build of its own."""

    def make(name: str, jobs: int, concurrency: int = 20) -> Organization:
        team = Organization.objects.create(name=name, slug=name, concurrency=concurrency)
        project = Project.objects.create(organization=team, name=f"{name}/api", repository_url="https://x.example/a")
        for _ in range(jobs):
            add_job(make_build(project=project))
        return team

    return make


def team_of(taken) -> str:
    return Job.objects.get(pk=taken.job_id).organization.slug


def test_an_empty_queue_gives_nothing():
    assert claim(RUNNER) is None


def test_a_claim_owns_the_job_and_writes_its_steps(make_build):
    build = make_build()
    inner = (StepSpec(name="a", command=("make", "all it")), StepSpec(name="b", script="x", service="app"))
    spec = PipelineSpec(
        name="p", steps=(StepSpec(name="both", kind=StepKind.PARALLEL, steps=inner), StepSpec(name="c"))
    )
    job = add_job(build)
    Job.objects.filter(pk=job.pk).update(spec=pipeline_to_json(spec))
    taken = claim_now()
    job.refresh_from_db()
    build.refresh_from_db()
    assert (job.status, job.epoch, job.attempt, job.owner) == (Status.RUNNING, 1, 1, "runner-a")
    assert (taken.job_id, taken.epoch, taken.attempt, taken.owner) == (job.pk, 1, 1, "runner-a")
    assert job.lease_expires_at < job.deadline_at
    assert build.status == Status.RUNNING
    rows = list(job.steps.values_list("path", "position", "kind", "name", "command", "service", "status"))
    assert rows == [
        ("0", 0, "parallel", "both", "", "", "queued"),
        ("0.0", 1, "run", "a", "make 'all it'", "", "queued"),
        ("0.1", 2, "run", "b", "x", "app", "queued"),
        ("1", 3, "run", "c", "", "", "queued"),
    ]
    last = JobMove.objects.filter(job=job).latest("pk")
    assert (last.came_from, last.went_to, last.who, last.epoch, last.attempt) == ("queued", "running", "runner-a", 1, 1)


def test_a_claimed_job_is_not_claimed_again(make_build):
    add_job(make_build())
    claim_now()
    assert claim(OTHER) is None


def test_higher_priority_goes_first_then_who_waited_longest(make_build):
    build = make_build()
    first, second, urgent = add_job(build), add_job(build), add_job(build, priority=5)
    assert [claim_now().job_id for _ in range(3)] == [urgent.pk, first.pk, second.pk]


def test_a_job_that_rests_is_left_until_its_time(make_build):
    job = add_job(make_build())
    Job.objects.filter(pk=job.pk).update(not_before=Now() + timedelta(seconds=60))
    assert claim(RUNNER) is None
    age(job, not_before=timedelta(0))
    assert claim_now().job_id == job.pk


def test_a_job_that_waits_again_goes_to_the_back(make_build):
    again, other = add_job(make_build()), add_job(make_build())
    taken = claim_now()
    finish(taken, JobResult(outcome=Outcome.ERRORED, reason="The engine is gone.", retry=True))
    age(again, not_before=timedelta(0))
    assert [claim_now().job_id, claim_now().job_id] == [other.pk, again.pk]


def test_organisations_take_turns(make_team):
    make_team("large", 6)
    make_team("small", 2)
    assert sorted([team_of(claim_now()) for _ in range(4)]) == ["large", "large", "small", "small"]


def test_a_team_with_much_waiting_cannot_starve_one_with_one_job(make_team):
    make_team("large", 12)
    assert team_of(claim_now()) == "large"
    make_team("small", 1)
    assert team_of(claim_now()) == "small"


def test_an_organisation_stays_inside_its_limit(make_team):
    make_team("narrow", 3, concurrency=2)
    claims = [claim_now(), claim_now()]
    assert claim(RUNNER) is None
    finish(claims[0], JobResult(outcome=Outcome.PASSED))
    assert claim_now().job_id not in {taken.job_id for taken in claims}


def test_a_full_organisation_does_not_hold_up_others(make_team):
    make_team("full", 2, concurrency=1)
    make_team("free", 1)
    assert {team_of(claim_now()), team_of(claim_now())} == {"full", "free"}
    assert claim(RUNNER) is None


@pytest.mark.parametrize(
    ("wanted", "has", "fits"),
    [
        ((), (), True),
        ((), ("gpu",), True),
        (("gpu",), (), False),
        (("gpu",), ("gpu", "big"), True),
        (("big", "gpu"), ("gpu", "big", "arm"), True),
        (("big", "gpu"), ("gpu",), False),
        ((" GPU ",), ("gpu",), True),
        (("gp",), ("gpu",), False),
    ],
)
def test_labels(make_build, wanted, has, fits):
    add_job(make_build(), labels=wanted)
    assert (claim(RunnerIdentity(name="r", labels=frozenset(has))) is not None) is fits


def test_jobs_that_no_runner_here_may_take_hide_nothing(make_build):
    build = make_build()
    for number in range(30):
        add_job(build, labels=(f"exotic-{number}",))
    plain = add_job(build)
    assert claim_now().job_id == plain.pk


def test_a_second_attempt_has_steps_of_its_own(make_build):
    job = add_job(make_build(), "a", "b")
    finish(claim_now(), JobResult(outcome=Outcome.ERRORED, reason="Broken.", retry=True))
    age(job, not_before=timedelta(0))
    taken = claim_now(OTHER)
    assert (taken.epoch, taken.attempt) == (3, 2)
    assert sorted(job.steps.values_list("attempt", "path")) == [(1, "0"), (1, "1"), (2, "0"), (2, "1")]


def test_the_configuration_may_shorten_the_time_limit_and_no_more(make_build, settings):
    settings.BUILD_TIMEOUT_SECONDS = 100
    for wanted, given in ((10, 10), (1000, 100), (None, 100)):
        job = add_job(make_build())
        spec = pipeline("x", timeout_seconds=wanted)
        Job.objects.filter(pk=job.pk).update(spec=pipeline_to_json(spec))
        claim_now()
        job.refresh_from_db()
        assert round((job.deadline_at - job.lease_expires_at).total_seconds()) == given - settings.LEASE_SECONDS


def test_a_deployment_is_attempted_once(make_build):
    job = add_job(make_build(status=Status.PASSED, finished_at="2026-01-01T00:00Z"), kind=JobKind.DEPLOYMENT)
    assert job.max_attempts == 1
    assert claim_now().job_id == job.pk
    job.build.refresh_from_db()
    assert job.build.status == Status.PASSED


def test_a_job_that_cannot_be_begun_does_not_stop_the_queue(make_build):
    broken, fine = add_job(make_build()), add_job(make_build())
    Job.objects.filter(pk=broken.pk).update(spec={"from": "another release"})
    assert claim_now().job_id == fine.pk
    broken.refresh_from_db()
    broken.build.refresh_from_db()
    assert (broken.status, broken.build.status) == (Status.ERRORED, Status.ERRORED)

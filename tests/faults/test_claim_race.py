"""Many processes claim, abandon, finish and reap at once: every job ends once, and no limit is passed."""

from __future__ import annotations

import multiprocessing
import os
import random
import traceback
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.db.models import F

from accounts.models import Organization
from builds.invariants import check_invariants
from builds.logs import live
from builds.models import Job, JobMove, Project
from builds.services.claim import RunnerIdentity, claim
from builds.services.finish import finish
from builds.services.move import move_job
from builds.services.reap import reap
from builds.states import FINAL, Status
from runners.contract import JobResult, Outcome
from tests.builds.queue import add_job

# At its full size: FAULTS_CLAIMERS=8 FAULTS_JOBS=10000 pytest tests/faults/test_claim_race.py
CLAIMERS, REAPERS = int(os.environ.get("FAULTS_CLAIMERS", "4")), 2
JOBS = int(os.environ.get("FAULTS_JOBS", "72")) // 6 * 6
SECONDS = 90 + JOBS // 5
LIMIT = 3
_fork = multiprocessing.get_context("fork")


def work(seed: int) -> None:
    """Claim and finish until nothing is left; one job in ten is abandoned, its lease made to run out at once."""
    chance, name = random.Random(seed), f"runner-{seed}"
    while Job.objects.exclude(status__in=FINAL).exists():
        taken = claim(RunnerIdentity(name=name))
        if taken is None:
            # What was lost waits for a while before it may be taken again.
            Job.objects.filter(status=Status.QUEUED, not_before__gt=F("created_at")).update(not_before=F("created_at"))
            continue
        busy = Job.objects.filter(status=Status.RUNNING).values_list("organization", flat=True)
        assert max(map(list(busy).count, set(busy)), default=0) <= LIMIT, "more jobs than the limit"
        if chance.random() < 0.1:
            Job.objects.filter(pk=taken.job_id).update(lease_expires_at=F("lease_expires_at") - timedelta(hours=1))
        elif not finish(taken, JobResult(outcome=Outcome.PASSED)):
            raise AssertionError("lost a job that nobody may have taken")


def sweep(_: int) -> None:
    while Job.objects.exclude(status__in=FINAL).exists():
        reap()


def together(*calls) -> None:
    """Run each (function, argument) in a process of its own; AssertionError where one fails."""
    connections.close_all()
    live.disconnect()
    processes = [_fork.Process(target=alone, args=call) for call in calls]
    for process in processes:
        process.start()
    for process in processes:
        process.join(SECONDS)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert codes == [0] * len(calls)


def alone(function, argument) -> None:
    """The edge of a child: it must not run the parent's endings."""
    try:
        function(argument)
    except BaseException:  # reported by its exit code and its traceback
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


@pytest.fixture
def crowd(transactional_db, make_build):
    """Jobs of three organisations."""
    for name in ("a", "b", "c"):
        team = Organization.objects.create(name=name, slug=name, concurrency=LIMIT)
        project = Project.objects.create(organization=team, name="api", repository_url="https://x.example/a")
        with transaction.atomic():
            for _ in range(JOBS // 6):
                build = make_build(project=project)
                add_job(build), add_job(build)


@pytest.mark.timeout(2 * SECONDS)
def test_every_job_ends_once(crowd):
    together(*[(work, seed) for seed in range(CLAIMERS)], *[(sweep, seed) for seed in range(REAPERS)])
    assert check_invariants() == []
    assert Job.objects.count() == JOBS
    for job in Job.objects.all():
        ends = [move.went_to for move in job.moves.order_by("pk") if move.went_to in FINAL]
        assert ends == [job.status], "ended once"
        assert job.epoch >= job.attempt
    assert set(Job.objects.values_list("status", flat=True)) <= {Status.PASSED, Status.ERRORED}
    claims = JobMove.objects.filter(went_to=Status.RUNNING).values_list("job", "epoch")
    assert len(claims) == len(set(claims)), "an epoch has one owner"


def reap_once(_: int) -> None:
    reap()


def test_two_reapers_at_once_reap_each_job_once(transactional_db, make_build):
    for _ in range(20):
        add_job(make_build())
        claim(RunnerIdentity(name="lost"))
    Job.objects.update(lease_expires_at=F("lease_expires_at") - timedelta(hours=1))
    together(*[(reap_once, seed) for seed in range(4)])
    assert check_invariants() == []
    assert set(Job.objects.values_list("status", "epoch")) == {(Status.QUEUED, 2)}
    assert JobMove.objects.filter(who="reaper").count() == 20


def cancel_it(pk: int) -> None:
    move_job(pk, Status.CANCELLED, who="ada")


def pass_it(pk: int) -> None:
    move_job(pk, Status.PASSED, who="runner")


def test_ends_that_race_leave_one(transactional_db, make_build):
    build = make_build()
    jobs = [add_job(build) for _ in range(3)]
    for _ in jobs:
        claim(RunnerIdentity(name="r"))
    together(*[(end, job.pk) for job in jobs for end in (cancel_it, pass_it)])
    # The steps are closed by who settles a job; here only the moves race.
    for job in jobs:
        job.steps.update(status=Status.SKIPPED)
        assert len([move for move in job.moves.all() if move.went_to in FINAL]) == 1
    assert check_invariants() == []
    build.refresh_from_db()
    assert len([move for move in build.moves.all() if move.went_to in FINAL]) == 1

"""Reports of tests in rows: who may write them, what is flaky, and what a plan's splits go by."""

from __future__ import annotations

import pytest

from builds.models import BadCase, Job, Tally
from builds.pipeline.make import make
from builds.pipeline.plan import PlanContext
from builds.services.fence import LostLease
from builds.services.finish import finish
from builds.services.reported import base_name, failed_tests, keep_report, reported_of
from builds.services.timings import with_timings
from runners.contract import JobResult, Outcome
from runners.reports import BadCase as Found
from runners.reports import Reports
from tests.builds.queue import add_job, claim_now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]
A, B = "0a0a0a0a0a0a", "0b0b0b0b0b0b"


def found(*, failed=(), passed=(), **fields) -> Reports:
    bad = tuple(Found(id=one, name=f"case\0 {one}", file="t.py", line=3, seconds=1, message="m") for one in failed)
    return Reports(passed=len(passed), failed=len(failed), bad=bad, passed_ids=frozenset(passed), **fields)


@pytest.fixture
def report(make_build):
    """A build at this commit whose one job told of this."""

    def report(reports: Reports, *, commit: str = "a" * 40, outcome: Outcome = Outcome.FAILED, **fields):
        build = make_build(commit=commit, **fields)
        add_job(build)
        claim = claim_now()
        keep_report(claim, reports)
        finish(claim, JobResult(outcome=outcome))
        return build

    return report


def test_counts_and_cases_are_kept(report):
    build = report(found(failed=[A], passed=[B], skipped=2, seconds=1.5))
    tests = reported_of(build)
    assert (tests.passed, tests.failed, tests.skipped, tests.total, tests.seconds) == (1, 1, 2, 4, 1.5)
    assert [(case.name, case.file, case.line, case.is_flaky) for case in tests.bad] == [(f"case {A}", "t.py", 3, False)]
    assert failed_tests(build) == 1


def test_a_build_without_reports(make_build):
    assert reported_of(make_build()) is None


def test_a_ghost_keeps_nothing(make_build):
    add_job(make_build())
    claim = claim_now()
    Job.objects.update(epoch=9)
    with pytest.raises(LostLease):
        keep_report(claim, found(failed=[A]))
    assert Tally.objects.count() == 0


def test_only_the_newest_attempt_counts(report):
    build = report(found(failed=[A]))
    Job.objects.update(attempt=2, epoch=2)
    assert (reported_of(build), failed_tests(build)) == (None, 0)


@pytest.mark.parametrize("order", [("failed", "passed"), ("passed", "failed")])
def test_what_failed_and_passed_on_a_commit_is_flaky(report, order):
    reports = {"failed": found(failed=[A, B]), "passed": found(passed=[A], failed=[B])}
    for one in order:
        report(reports[one])
    assert {(case.case_id, case.is_flaky) for case in BadCase.objects.all()} == {(A, True), (B, False)}


def test_on_another_commit_it_is_no_flake(report):
    report(found(failed=[A]))
    report(found(passed=[A]), commit="b" * 40)
    assert not BadCase.objects.get().is_flaky


SPLIT = "pipelines: {test: {parallelism: 2, split: '*.py', steps: [x]}, lint: {steps: [y]}}"


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, {"a.py": 2.0}),
        ({"branch": "feature"}, {"a.py": 2.0}),
        ({"branch": "other"}, {}),
        ({"from_fork": True}, {}),
        ({"outcome": Outcome.FAILED}, {}),
    ],
)
def test_a_split_goes_by_the_newest_reports_that_passed(report, make_build, fields, seconds):
    report(found(seconds_of={"a.py": 2.0}), **{"outcome": Outcome.PASSED, **fields})
    plan = make({"ciservice.yml": SPLIT}, PlanContext(branch="feature", commit="0" * 40))
    *copies, lint = with_timings(plan, make_build(branch="feature")).pipelines
    assert [copy.split.seconds for copy in copies] == [seconds, seconds]
    assert lint.split is None


def test_a_copy_is_of_its_pipeline():
    assert [base_name(name) for name in ("test 1/4", "test (3.11) 12/50", "test", "a/b")] == [
        "test",
        "test (3.11)",
        "test",
        "a/b",
    ]

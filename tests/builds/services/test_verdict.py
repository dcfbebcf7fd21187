"""The sentence that a build's page and its messages begin with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from builds.models import Build, Job, Step
from builds.services.verdict import verdict
from builds.states import Status

NOW = timezone.now()


def build(status: str, *, seconds: int | None = 134, reason: str = "") -> Build:
    started = NOW - timedelta(seconds=seconds) if seconds is not None else None
    return Build(status=status, reason=reason, started_at=started, finished_at=NOW)


def step(name: str, status: str, *, may_fail: bool = False, **fields: object) -> Step:
    return Step(name=name, status=status, job=Job(may_fail=may_fail), **fields)


@pytest.mark.parametrize(
    ("status", "seconds", "reason", "said"),
    [
        (Status.QUEUED, None, "", "Waiting"),
        (Status.PASSED, 134, "anything", "Passed in 2m 14s"),
        (Status.CANCELLED, None, "A newer push came.", "Cancelled before it began: A newer push came."),
        (Status.CANCELLED, 9, "Ada stopped it.", "Cancelled after 9s: Ada stopped it."),
        (Status.SKIPPED, None, "[skip ci]", "Skipped: [skip ci]"),
        (Status.FAILED, None, "ciservice.yml:3: unknown key", "Failed: ciservice.yml:3: unknown key"),
        (Status.ERRORED, 5, "The image cannot be pulled.", "Errored on our side in 5s: The image cannot be pulled."),
    ],
)
def test_builds_without_a_guilty_step(status, seconds, reason, said):
    assert str(verdict(build(status, seconds=seconds, reason=reason), [])) == said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"exit_code": 1, "failure": "exit_code"}, "exited 1"),
        ({"exit_code": 137, "failure": "out_of_memory"}, "ran out of memory"),
        ({"failure": "timed_out"}, "ran out of time"),
        ({"failure": "silent"}, "was silent for too long"),
        ({"failure": "spec", "reason": "no service named db"}, "could not run: no service named db"),
        ({}, "broke"),
    ],
)
def test_the_first_step_that_failed_is_named(fields, said):
    unit = step("unit", Status.FAILED, **fields)
    steps = [step("install", Status.PASSED), step("checks", Status.FAILED, kind="parallel"), unit]
    found = verdict(build(Status.FAILED), steps)
    assert str(found) == f"Failed in 2m 14s: unit {said}"
    assert found.step is unit


def test_more_failures_are_counted():
    steps = [step(name, Status.FAILED, exit_code=2) for name in "abc"]
    assert str(verdict(build(Status.FAILED), steps)) == "Failed in 2m 14s: a exited 2, and 2 more"


def test_while_it_runs_a_failure_is_told_at_once():
    steps = [step("lint", Status.FAILED, exit_code=1), step("unit", Status.RUNNING)]
    assert str(verdict(build(Status.RUNNING), steps)) == "Running: lint exited 1 already"
    assert str(verdict(build(Status.RUNNING), steps[1:])) == "Running: unit"


def test_a_failure_that_is_allowed_is_not_to_blame():
    steps = [step("style", Status.FAILED, may_fail=True, exit_code=3), step("unit", Status.FAILED, exit_code=1)]
    assert str(verdict(build(Status.FAILED), steps)) == "Failed in 2m 14s: unit exited 1"

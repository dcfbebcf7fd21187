"""The checker finds what it is for: each rule has a row that breaks it."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from builds.invariants import check_invariants
from builds.models import Build, Job, Segment, Step
from builds.services.claim import claim
from builds.states import Status
from tests.builds.queue import RUNNER, add_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(make_build) -> Job:
    job = add_job(make_build(), "print x")
    claim(RUNNER)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize(
    ("model", "values", "sentence"),
    [
        (Job, {"lease_expires_at": None}, "owned job without a lease"),
        (Job, {"owner": ""}, "owned job without a lease"),
        (Job, {"deadline_at": None}, "owned job without a deadline"),
        (Job, {"status": "passed"}, "ended job with a lease"),
        (Job, {"status": "passed"}, "ended job without an end"),
        (Job, {"status": "queued"}, "waiting job with a lease"),
        (Job, {"attempt": 9}, "more attempts than allowed"),
        (Job, {"epoch": 0}, "fewer epochs than attempts"),
        (Job, {"status": "failed"}, "open step of a job that does not run"),
        (Job, {"attempt": 2}, "open step of an attempt that is over"),
        (Step, {"status": "running"}, "running step that never began"),
        (Build, {"status": "passed"}, "ended build without an end"),
        (Build, {"status": "passed"}, "ended build with an open pipeline"),
        (Build, {"status": "queued"}, "its jobs say running"),
    ],
)
def test_every_rule_finds_its_row(job, model, values, sentence):
    assert check_invariants() == []
    model.objects.update(**values)
    assert any(sentence in found for found in check_invariants())


@pytest.mark.parametrize(
    "places", [[(1, 0, 5)], [(0, 0, 5), (2, 5, 5)], [(0, 0, 5), (1, 4, 5)]], ids=["no first", "gap", "overlap"]
)
def test_torn_logs(job, places):
    step = job.steps.get()
    for number, first, count in places:
        Segment.objects.create(
            step=step, number=number, first_byte=first, first_line=0, byte_count=count, line_breaks=0, frames=[]
        )
    assert any("torn" in found for found in check_invariants())


def test_the_command(job):
    out = StringIO()
    call_command("check_invariants", stdout=out)
    assert "holds" in out.getvalue()
    Job.objects.update(lease_expires_at=None)
    with pytest.raises(CommandError, match="without a lease"):
        call_command("check_invariants")
    Job.objects.update(lease_expires_at=Now(), status=Status.RUNNING)

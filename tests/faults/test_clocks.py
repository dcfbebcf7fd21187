"""F16: a runner whose clock is ten minutes off: leases go by the database's, and nothing of a job is lost or negative."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from builds.models import Job, Runner
from builds.states import Status
from tests import servers
from tests.builds.queue import add_job
from tests.faults.harness import until_ended, until_printing

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed: apt-get install faketime"),
]

LEASE = 30
CLOCKS = {"ahead": 600, "behind": -600}  # the runner's name is what is said of it


def test_runners_whose_clocks_are_off(house, make_build, reader):
    house.settings["LEASE_SECONDS"] = str(LEASE)
    for name, off in CLOCKS.items():
        fake = {"LD_PRELOAD": str(LIBRARY), "FAKETIME": f"{off:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        house.runner(name, RUNNER_LABELS=name, **fake)
    house.runner("right", RUNNER_LABELS="other")
    for name in CLOCKS:
        job = add_job(make_build(), "print first\nsleep 2\nprint last", labels=(name,))
        until_printing(job)
        held = Job.objects.annotate(now=Now()).get(pk=job.pk)
        assert timedelta(0) < held.lease_expires_at - held.now <= timedelta(seconds=LEASE)
        until_ended(job.build)
        passed_in_good_order(job, reader)
        said = servers.wait_until(lambda name=name: notes().get(name), what="the runner to say so")
        assert f" s {name}" in said
    assert "right" in notes(), "its row is there"
    assert notes()["right"] == ""


def notes() -> dict[str, str]:
    return dict(Runner.objects.values_list("name", "note"))


def passed_in_good_order(job: Job, reader) -> None:
    job.refresh_from_db()
    build = job.build
    assert build.status == Status.PASSED
    step = job.steps.get()
    assert (job.attempt, step.log_complete) == (1, True)
    assert reader.log(step).decode().splitlines()[-2:] == ["first", "last"]
    assert timedelta(seconds=1.9) < step.finished_at - step.started_at < timedelta(seconds=60)
    assert build.finished_at >= build.started_at

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
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed: apt-get install libfaketime")


@pytest.mark.parametrize("off", [600, -600])
def test_a_runner_whose_clock_is_off(house, make_build, reader, off):
    build = make_build()
    job = add_job(build, "print first\nsleep 5\nprint last")
    fake = {"LD_PRELOAD": str(LIBRARY), "FAKETIME": f"{off:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    house.runner("runner-a", LEASE_SECONDS="4", **fake)
    house.runner("runner-b", RUNNER_LABELS="other", RUNNER_CAPACITY="1", LEASE_SECONDS="4")
    until_printing(job)
    held = Job.objects.annotate(left=Now()).get(pk=job.pk)
    assert timedelta(0) < held.lease_expires_at - held.left <= timedelta(seconds=4)
    said = servers.wait_until(lambda: Runner.objects.exclude(note="").first(), what="the runner to say so")
    assert (said.name, "ahead of" if off > 0 else "behind") == ("runner-a", said.note.split(" s ")[1].split(" the")[0])
    assert until_ended(build).status == Status.PASSED
    job.refresh_from_db()
    step = job.steps.get()
    assert (job.attempt, step.log_complete) == (1, True)
    assert reader.log(step).decode().splitlines()[-2:] == ["first", "last"]
    assert timedelta(seconds=4) < step.finished_at - step.started_at < timedelta(seconds=60)
    assert build.finished_at >= build.started_at

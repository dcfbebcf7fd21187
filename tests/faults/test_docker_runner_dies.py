"""A runner that is killed while containers run: another attempt, nothing left, and what was printed can be read."""

from __future__ import annotations

import pytest

from builds.addresses import build_url
from builds.states import Status
from tests import servers
from tests.builds.queue import add_job
from tests.faults.harness import SECONDS, until_ended, until_printing

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

LINES = 400
COUNTS = f"""
n=0; while [ $n -lt {LINES} ]; do n=$((n+1)); echo "line $n"; usleep 10000; done
"""


def numbered(count: int) -> list[str]:
    return [f"line {number}" for number in range(1, count + 1)]


def test_a_runner_killed_in_mid_step(house, instance, push, reader, client, owner):
    build = push()
    job = add_job(build, COUNTS, "echo second")
    runner = house.runner("runner-a")
    until_printing(job)
    first = job.steps.get(attempt=1, position=0)
    servers.wait_until(lambda: reader.log(first).count(b"\n") > 50, what="fifty lines")
    seen = reader.log(first).decode().splitlines()
    runner.kill()
    house.runner("runner-b")
    assert until_ended(build, seconds=2 * SECONDS).status == Status.PASSED

    job.refresh_from_db()
    states = list(job.steps.order_by("attempt", "position").values_list("attempt", "status"))
    assert states == [(1, "errored"), (1, "skipped"), (2, "passed"), (2, "passed")]
    kept = [line for line in reader.log(first).decode().splitlines() if not line.startswith("...")]
    assert len(seen) <= len(kept) < LINES
    assert kept == numbered(len(kept)), "everything up to the kill, once and in order"
    assert reader.log(job.steps.get(attempt=2, position=0)).decode().splitlines() == numbered(LINES)

    client.force_login(owner)
    page = client.get(build_url(build.project.uuid, build.number).removeprefix("http://testserver")).content.decode()
    assert "Attempt 1" in page
    assert str(first.uuid) in page, "a link to its log"
    servers.wait_until(lambda: not instance.objects.of(job.uuid), what="the sweep to remove what runner-a left")

"""Three runners on machines of their own, with nothing in common but PostgreSQL, Redis and the storage: one is cut off for a
while and one dies. Every job passes once, with its log whole, and people see who is gone.
"""

from __future__ import annotations

import contextlib

import pytest
from django.db import connections
from django.test import Client
from redis import Redis

from accounts.models import User
from accounts.services.tokens import make_token
from builds.models import Job
from builds.states import FINAL, Status
from tests import servers
from tests.builds.queue import add_job
from tests.faults import networks
from tests.faults.databases import own_postgres
from tests.faults.harness import until, until_ended, until_printing

pytestmark = [
    pytest.mark.networks,
    pytest.mark.timeout(300),
    pytest.mark.skipif(servers.postgres_binaries() is None, reason="PostgreSQL is not installed"),
    pytest.mark.skipif(bool(networks.missing()), reason=networks.missing()),
]
LINES = [f"line {number}" for number in range(1, 9)]
SCRIPT = "\nsleep 0.4\n".join(f"print {line}" for line in LINES)
JOBS = 8


@pytest.fixture
def net():
    with networks.network() as made:
        yield made


@pytest.fixture
def postgres(transactional_db, django_db_blocker, net):
    """Answers at the bridge's address, too."""
    with own_postgres() as server:
        with (server.dir / "data/pg_hba.conf").open("a") as file:
            file.write(f"host all all {net.range} trust\n")
        server.addresses = net.address
        connections["default"].close()
        server.stop("fast")
        server.start()
        yield server


@pytest.fixture
def start(postgres, house, net, tmp_path):
    """Starts a runner on a machine of its own, with a disk of its own; gives both."""
    with contextlib.closing(Redis(unix_socket_path=str(house.redis.socket))) as redis:
        for name, value in {"protected-mode": "no", "bind": net.address, "port": "6379"}.items():
            redis.config_set(name, value)
    shared = {
        "DATABASE_URL": f"postgres://ci@{net.address}/postgres",
        "REDIS_URL": f"redis://{net.address}:6379/0",
        "STORAGE_DIR": house.environment()["DATA_DIR"] + "/storage",
        "RUNNER_CAPACITY": "2",
    }

    def start(number: int, name: str, **more: str):
        machine = net.machine(number)
        own = {"DATA_DIR": str(tmp_path / name), **shared, **more}
        return machine, house.runner(name, before=machine.before, **own)

    return start


def states(client: Client) -> dict[str, str]:
    """What the API says of each runner."""
    return {each["name"]: each["state"] for each in client.get("/v2/runners").json()["runners"]}


def has_one(owner: str) -> Job:
    """A job of this runner that prints."""
    job = servers.wait_until(
        lambda: Job.objects.filter(status=Status.RUNNING, owner=owner).first(), seconds=60, what=f"a job of {owner}"
    )
    until_printing(job)
    return job


def passed_once(job: Job, reader) -> None:
    """One result, and the whole log of the attempt that had it."""
    assert [move.went_to for move in job.moves.all() if move.went_to in FINAL] == [Status.PASSED]
    step = job.steps.get(attempt=job.attempt)
    assert reader.log(step).decode().splitlines()[-len(LINES) :] == LINES
    assert step.log_complete


def test_one_is_cut_off_and_one_dies_and_nothing_is_lost(start, reader, make_build, owner: User, settings):
    settings.LEASE_SECONDS = 4  # as the house's processes have it
    api = Client(headers={"authorization": f"Bearer {make_token(owner, 'test')[1]}"})
    (cable, _), (_, dying) = start(1, "runner-a", RUNNER_LABELS="only-a"), start(2, "runner-b")
    start(3, "runner-c")
    builds = [make_build() for _ in range(JOBS)]
    jobs = [add_job(build, SCRIPT) for build in builds]
    servers.wait_until(lambda: list(states(api).values()) == ["ready"] * 3, seconds=60, what="three runners")
    cut, killed = has_one("runner-a"), has_one("runner-b")

    cable.cut_off()
    dying.kill()
    gone = {"runner-a": "gone", "runner-b": "gone", "runner-c": "ready"}
    servers.wait_until(lambda: states(api) == gone, seconds=30, what=f"{gone}")
    waits = add_job(make_build(), SCRIPT, labels=("only-a",))
    url = f"/v2/organizations/{waits.organization.uuid}/projects/{waits.build.project.uuid}/builds/{waits.build.uuid}/jobs"
    assert "with the label only-a; none of those alive has it" in api.get(url).json()["waiting_reason"]
    until(cut, attempt=2, owner="runner-c")  # while the machine that had it still believes in it, or has given up

    cable.connect()
    for build in [*builds, waits.build]:
        assert until_ended(build).status == Status.PASSED
    for job in [*jobs, waits]:
        job.refresh_from_db()
        passed_once(job, reader)
    assert {job.attempt for job in jobs if job.pk in {cut.pk, killed.pk}} == {2}
    assert waits.owner == "runner-a"
    assert states(api)["runner-a"] == "ready"
    assert states(api)["runner-b"] == "gone"

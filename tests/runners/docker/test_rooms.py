"""Rooms that go from job to job: within a circle, one after the other, and only when all of the first is gone."""

from __future__ import annotations

import contextlib
import secrets

import pytest

from runners.contract import Outcome, Stop
from runners.executors.docker import circles
from runners.executors.docker.disposal import Disposal
from runners.executors.docker.engine import Engine
from runners.executors.docker.owner import Owner
from runners.executors.docker.rooms import Rooms
from tests.runners.docker.conftest import attempt, standing
from tests.runners.jobs import run
from tests.servers import wait_until

pytestmark = pytest.mark.docker

INSTANCE = f"test-rooms-{secrets.token_hex(4)}"
NAMESPACE = "readlink /proc/self/ns/net"
LABELS = {"ciservice.instance": INSTANCE}


@pytest.fixture
def circle() -> str:
    return secrets.token_hex(8)


@pytest.fixture
def mode_of(executor, make_job, objects, docker_image, walled):
    """Runs a job to its end and says what its container joined."""

    def run_one(**fields) -> str:
        job = make_job(run("stand", "echo up; sleep 60", image=docker_image), **fields)
        with standing(executor, job):
            mode = objects.container_of(job)["HostConfig"]["NetworkMode"]
        wait_until(lambda: not objects.of_job(job), seconds=30, what="the removal")
        return mode

    return run_one


def test_a_room_goes_to_the_next_job_of_its_circle(mode_of, circle):
    had: list[str] = []

    def is_passed_on() -> bool:
        had.append(mode_of(circle=circle))
        return had[-1].startswith("container:") and had.count(had[-1]) > 1

    wait_until(is_passed_on, seconds=60, what="a room that two jobs had")


def test_no_room_goes_to_another_circle_nor_to_or_from_strangers(mode_of, circle):
    kinds = [{"circle": circle}, {"circle": f"{circle}2"}, {"circle": circle, "is_strangers": True}, {"circle": ""}]
    had = [{mode for _ in range(2) if (mode := mode_of(**kind)).startswith("container:")} for kind in (*kinds, *kinds)]
    by_kind = [had[at] | had[at + len(kinds)] for at in range(len(kinds))]

    assert any(by_kind)
    assert len(set().union(*by_kind)) == sum(map(len, by_kind))


def test_two_jobs_of_a_circle_at_once_have_a_room_each(executor, make_job, objects, docker_image, walled, circle):
    jobs = [make_job(run("stand", "echo up; sleep 60", image=docker_image), circle=circle) for _ in range(4)]
    with contextlib.ExitStack() as stack:
        for job in jobs:
            stack.enter_context(standing(executor, job))
        modes = [objects.container_of(job)["HostConfig"]["NetworkMode"] for job in jobs]
    rooms = [mode for mode in modes if mode.startswith("container:")]
    assert len(rooms) >= 3  # all but perhaps the first, who could not know that others would come
    assert len(set(rooms)) == len(rooms)


@pytest.mark.parametrize("is_home", [True, False])
def test_who_has_a_room_next_finds_nothing_of_the_one_before(executor, make_job, docker_image, walled, circle, is_home):
    """What it wrote to the files that name hosts, and a port that it served a moment ago."""
    where = {} if is_home else {"image": docker_image}
    spoil = "for one in hosts resolv.conf hostname; do echo spoilt >> /etc/$one; done; cat /etc/hosts"
    serve = "(nc -l -p 7000 -e true &); sleep 0.3; nc 127.0.0.1 7000 </dev/null; sleep 0.3"
    look = "cat /etc/hosts /etc/resolv.conf /etc/hostname; grep -c :1B58 /proc/net/tcp || true"
    stop = Stop()

    had: list[str] = []

    def found_again() -> str:
        """What a job finds in a room that an earlier one had spoilt; "" where it has another."""
        with executor.workspace(make_job(circle=circle), stop, lambda _: None) as workspace:
            steps = [run("x", script, **where) for script in (f"{NAMESPACE}; {look}", f"{spoil}; {serve}")]
            (looked, found), (spoilt, hosts) = [attempt(workspace, step, stop) for step in steps]
        assert [looked.outcome, spoilt.outcome] == [Outcome.PASSED] * 2, found + hosts
        assert "spoilt" in hosts
        had.append(found.splitlines()[0])
        return found if had.count(had[-1]) > 1 else ""

    found = wait_until(found_again, seconds=60, what="a room that two jobs had")

    assert "nameserver" in found
    assert "spoilt" not in found
    assert found.splitlines()[-1] == "0"


@pytest.fixture
def engine(docker_engine):
    engine = Engine("")
    yield engine
    engine.close()


@pytest.fixture
def rooms(engine, tmp_path):
    """Of a runner without jobs."""
    owner, disposal = Owner(tmp_path), Disposal()
    made = Rooms(engine, owner, INSTANCE, disposal)
    made.open()
    yield made
    made.close()
    disposal.close()
    owner.close()
    assert engine.containers(f"ciservice.instance={INSTANCE}") == []


@pytest.fixture
def room(rooms):
    """One with a namespace behind walls, which this test has taken."""

    def taken():
        one = rooms.take_alone(uses=2)
        if one.is_alone:
            return one
        rooms.remove(one)
        return None

    return wait_until(taken, seconds=30, what="a room behind walls")


def test_a_room_is_passed_on_once_and_known_meanwhile(rooms, room, circle):
    rooms.pass_on(room, circle)
    assert rooms.keeps(room.name)
    taken = [rooms.take_alone(uses=2, circle=circle) for _ in range(2)]
    for one in taken:
        rooms.remove(one)

    assert taken[0] == room
    assert taken[1] != room


@pytest.mark.parametrize("is_started", [True, False])
def test_a_room_is_not_passed_on_while_a_container_of_it_is_left(rooms, room, circle, engine, docker_image, is_started):
    """Killed, or never started, but not removed."""
    host = {"NetworkMode": room.mode}
    made = {"Image": docker_image, "Entrypoint": ["sleep", "60"], "HostConfig": host, "Labels": LABELS}
    left = engine.create(f"ci-test-{circle}", made)
    if is_started:
        engine.start(left)
        engine.signal(left, "SIGKILL")
        engine.ended(left, 10)

    rooms.pass_on(room, circle)
    after = rooms.take_alone(uses=2, circle=circle)
    engine.remove(left)
    rooms.remove(after)

    assert after != room
    assert not engine.state(room.holder).exists
    assert not rooms.keeps(room.name)


def test_a_room_whose_holder_died_is_not_given_to_anybody(rooms, room, circle, engine):
    rooms.pass_on(room, circle)
    engine.remove(room.holder)
    after = rooms.take_alone(uses=2, circle=circle)
    rooms.remove(after)

    assert after != room


def test_a_room_that_nobody_comes_for_is_removed(rooms, room, circle, engine, monkeypatch):
    monkeypatch.setattr(circles, "IDLE_SECONDS", 0.2)
    rooms.pass_on(room, circle)

    wait_until(lambda: not engine.state(room.holder).exists, seconds=30, what="the removal")
    assert not rooms.keeps(room.name)

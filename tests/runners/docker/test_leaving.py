"""Nothing of a job stays: however it ended, and when the process that ran it was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from runners.contract import Failure, ImageBuild, Link, Mount, MountKind, Outcome, ServiceSpec, Stop, StopReason
from runners.errors import EngineError
from runners.executors.docker.engine import Engine
from runners.executors.docker.owner import Owner, forget_dead, lives
from tests.runners.jobs import run
from tests.runners.test_executor_contract import sleepers
from tests.servers import wait_until

pytestmark = pytest.mark.docker


def full_job(make_job, docker_image, *steps):
    """With every kind of object: a pipeline container, services, an anonymous and a named volume."""
    mounts = (
        Mount(kind=MountKind.NAMED, source="data", target="/named"),
        Mount(kind=MountKind.ANONYMOUS, target="/anonymous"),
    )
    services = [
        ServiceSpec(name="db", image=docker_image, command=("sleep", "1000")),
        ServiceSpec(name="data", image=docker_image, mounts=mounts),
        ServiceSpec(name="app", image=docker_image, depends_on=(Link(service="db"),), volumes_from=("data",)),
    ]
    return make_job(*steps, services=services)


def test_leaving_removes_everything_that_carries_the_jobs_label(
    executor, make_job, objects, docker_image, docker_engine
):
    steps = [run("home", "sleep 999 & echo x"), run("beside", "echo x > /named/x", service="app")]
    job, stop = full_job(make_job, docker_image, *steps), Stop()
    anonymous = {volume.name for volume in docker_engine.volumes.list()}

    with executor.workspace(job, stop, lambda _: None) as workspace:
        results = [workspace.run(step, lambda _: None, stop) for step in steps]
        assert len(objects.of_job(job)) >= 3

    assert [result.outcome for result in results] == [Outcome.PASSED] * 2
    wait_until(lambda: not objects.of_job(job), seconds=30, what="the removal")
    assert {volume.name for volume in docker_engine.volumes.list(filters={"dangling": True})} <= anonymous


@pytest.mark.parametrize(
    ("place", "reason"),
    [("home", StopReason.LOST_LEASE), ("own", StopReason.LOST_LEASE), ("beside", StopReason.CANCELLED)],
)
def test_what_ignores_sigterm_and_flees_is_gone(executor, make_job, objects, docker_image, place, reason):
    mark = f"8{time.time_ns() % 10**9}"
    flee = (
        f"trap '' TERM; (setsid sh -c 'trap \"\" TERM; (sleep {mark} &) ; sleep {mark}' &); echo up; exec sleep {mark}"
    )
    where = {"home": {}, "own": {"image": docker_image}, "beside": {"service": "app"}}[place]
    step = run("deaf", flee, **where)
    job, stop = full_job(make_job, docker_image, step), Stop()

    with executor.workspace(job, stop, lambda _: None) as workspace:
        result = workspace.run(step, lambda data: b"up" in data and stop.order(reason) and None, stop)

    assert result.outcome is Outcome.CANCELLED
    wait_until(lambda: not sleepers(mark), seconds=15, what="the end of every process")
    wait_until(lambda: not objects.of_job(job), seconds=30, what="the removal")


def test_a_stop_while_a_service_is_waited_for_ends_at_once(executor, make_job, docker_image, project):
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nHEALTHCHECK --interval=1h CMD true\n")
    services = [
        ServiceSpec(name="db", build=ImageBuild(), command=("sleep", "1000")),
        ServiceSpec(name="app", image=docker_image, depends_on=(Link(service="db"),)),
    ]
    step, stop = run("x", "echo ran", service="app"), Stop()

    with executor.workspace(make_job(step, services=services), stop, lambda _: None) as workspace:
        result = workspace.run(
            step, lambda data: b"Waiting for" in data and stop.order(StopReason.TIMED_OUT) and None, stop
        )

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.TIMED_OUT)


def test_a_container_that_somebody_else_kills_is_not_the_projects_failure(
    executor, make_job, docker_engine, docker_image
):
    step = run("victim", "echo up; sleep 60", image=docker_image)
    job, stop = make_job(step), Stop()

    def kill(_: bytes) -> None:
        for container in docker_engine.containers.list(filters={"label": f"ciservice.job={job.job_id}"}):
            container.kill()

    with executor.workspace(job, stop, lambda _: None) as workspace, pytest.raises(EngineError) as caught:
        workspace.run(step, kill, stop)

    assert caught.value.retry


ABANDON = """
import os, sys, threading
from pathlib import Path
from runners.contract import *
from runners.executors.config import ExecutorSettings
from runners.executors.docker.executor import DockerExecutor

data, project, image, instance, job_id = sys.argv[1:]
settings = ExecutorSettings(name="docker", data_dir=Path(data), default_image=image, instance=instance)
step = StepSpec(name="long", script="echo up; mkdir -p made/by; sleep 1000")
other = StepSpec(name="own", image=image, script="echo up; sleep 1000")
job = JobSpec(job_id=job_id, epoch=3, pipeline=PipelineSpec(name="x", steps=(step, other)),
              source=DirectorySource(path=Path(project)))
executor = DockerExecutor(settings)
executor.open()
up = threading.Barrier(3)
with executor.workspace(job, Stop(), lambda _: None) as workspace:
    for one in (step, other):
        threading.Thread(target=workspace.run, args=(one, lambda _: up.wait() and None, Stop())).start()
    up.wait()
    os._exit(9)
"""


def test_a_sweep_removes_what_a_killed_runner_left_and_spares_the_living(
    executor, settings, make_job, objects, docker_image, project
):
    lost, live = "00000000-dead", make_job(run("x", "echo up; sleep 1"))
    left = subprocess.run(
        [
            sys.executable,
            "-c",
            textwrap.dedent(ABANDON),
            settings.data_dir,
            project,
            docker_image,
            settings.instance,
            lost,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        check=False,
    )
    assert left.returncode == 9, left.stderr
    before = set(objects.all())
    assert any(lost in name for name in before)
    assert (settings.workspaces / f"ci-{lost}-3").exists()

    with executor.workspace(live, Stop(), lambda _: None) as workspace:
        gone = executor.sweep(lambda job, epoch: (job, epoch) == (live.job_id, live.epoch))
        result = workspace.run(live.pipeline.steps[0], lambda _: None, Stop())

    assert gone >= 5  # two containers, their rooms, the folder
    assert result.outcome is Outcome.PASSED
    assert not [name for name in objects.all() if lost in name]
    assert not (settings.workspaces / f"ci-{lost}-3").exists()


def test_a_sweep_leaves_the_rooms_that_are_ready(executor, objects):
    wait_until(lambda: any(name.startswith("ci-room") for name in objects.all()), what="a room")
    before = {name for name in objects.all() if name.startswith("ci-room")}

    executor.sweep(lambda job, epoch: False)

    assert before & set(objects.all())


def test_an_owner_lives_until_it_is_closed_and_no_longer(tmp_path):
    owner = Owner(tmp_path)
    assert lives(tmp_path, owner.name)
    assert not lives(tmp_path, owner.name[:-1] + "x")
    assert lives(tmp_path / "other", owner.name)  # a runner with another folder cannot tell, and leaves it alone
    assert lives(tmp_path, "../x")

    forget_dead(tmp_path)
    assert lives(tmp_path, owner.name)
    owner.close()
    assert not lives(tmp_path, owner.name)


def test_a_create_that_was_not_answered_is_adopted_by_its_name(settings, docker_image):
    engine = Engine("")
    name = f"{settings.instance}-twice"
    try:
        first = engine.create(name, {"Image": docker_image})
        assert engine.create(name, {"Image": docker_image}) == first
    finally:
        engine.remove(name)
        engine.close()

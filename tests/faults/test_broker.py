"""Bells are hints: with no broker, an empty one, or a frozen one, every build runs all the same."""

from __future__ import annotations

import json
import os
import signal
import urllib.request

import celery

from builds.models import Build, Job, Project, Runner, Step
from builds.services.trigger import BuildRequest, trigger
from builds.states import Status
from builds.webhooks.signature import sign
from tests import servers
from tests.builds.queue import add_job
from tests.faults.harness import until_ended
from tests.faults.origin import repository
from tests.live.instance import free_port


def push(project: Project, commit: str) -> Build:
    return trigger(project, BuildRequest(ref="refs/heads/main", branch="main", commit=commit), who="ada")


def test_no_broker_at_all(house, make_build):
    house.redis.kill()
    builds = [make_build() for _ in range(6)]
    for build in builds:
        add_job(build)
    house.runner()
    for build in builds:
        assert until_ended(build).status == Status.PASSED


def test_a_broker_that_comes_and_goes(house, make_build):
    house.runner()
    builds = []
    for _ in range(3):
        builds.append(make_build())
        add_job(builds[-1], "sleep 0.5")
        house.redis.kill()
        builds.append(make_build())
        add_job(builds[-1])
        house.redis.start()
    for build in builds:
        assert until_ended(build).status == Status.PASSED


def test_a_broker_killed_and_emptied_five_times_in_fifty_builds(house, make_build):
    """It keeps nothing on a disk, so each time it comes back it is empty."""
    house.settings["LEASE_SECONDS"] = "20"
    house.runner(RUNNER_CAPACITY="8")
    builds = []
    for _ in range(5):
        for number in range(10):
            builds.append(make_build())
            add_job(builds[-1], "print x\nsleep 0.2\nprint y")
            if number == 5:
                house.redis.kill()
        servers.wait_until(lambda: Step.objects.filter(status=Status.RUNNING).exists(), what="a step that runs")
        house.redis.start()
    for build in builds:
        assert until_ended(build).status == Status.PASSED
    assert set(Job.objects.values_list("attempt", flat=True)) == {1}
    assert not Step.objects.filter(log_complete=False).exists()


def test_a_frozen_broker_holds_nobody_up(house, make_build):
    house.runner()
    first = make_build()
    add_job(first)
    until_ended(first)
    os.kill(house.redis.process.pid, signal.SIGSTOP)
    try:
        second = make_build()
        add_job(second)
        assert until_ended(second).status == Status.PASSED
    finally:
        os.kill(house.redis.process.pid, signal.SIGCONT)


def test_webhooks_are_taken_while_the_broker_is_frozen(house, project):
    """Each is answered before a git host would hang up, and each is a build."""
    port = free_port()
    house.web(port)
    os.kill(house.redis.process.pid, signal.SIGSTOP)
    try:
        answers = [hook(port, project, f"refs/heads/b{number}") for number in range(50)]
    finally:
        os.kill(house.redis.process.pid, signal.SIGCONT)
    assert answers == [202] * 50
    assert Build.objects.count() == 50


def hook(port: int, project: Project, ref: str) -> int:
    """The status of the answer to a push; OSError after the five seconds that the least patient git host waits."""
    body = json.dumps({"ref": ref, "before": "0" * 40, "after": "a" * 40}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/hooks/generic/{project.uuid}",
        body,
        {"Content-Type": "application/json", "X-Ciservice-Signature": sign(project.hook_secret, body)},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.status


def test_a_push_whose_bell_was_lost_is_planned_all_the_same(house, project, tmp_path):
    commit = repository(tmp_path / "origin")
    project.repository_url = str(tmp_path / "origin")
    project.save()
    # Nobody listens yet, and what the receivers rang went to another broker: this push has no bell at all.
    lost = push(project, commit)
    house.worker()
    house.beat()
    house.runner()
    assert until_ended(lost).status == Status.PASSED
    assert (lost.message, lost.author_name, lost.jobs.count()) == ("Begin", "Ada", 2)


def test_bells_that_ring_ten_times_plan_once(house, project, tmp_path):
    commit = repository(tmp_path / "origin")
    project.repository_url = str(tmp_path / "origin")
    project.save()
    build = push(project, commit)
    house.worker()
    house.worker("worker-2")
    house.runner()
    with celery.Celery(broker=house.broker) as bells:
        for _ in range(10):
            bells.send_task("builds.tasks.plan_build", [build.pk], queue="work")
            bells.send_task("builds.tasks.take_job", queue="runners")
    assert until_ended(build).status == Status.PASSED
    assert (build.jobs.count(), build.plan_attempts) == (2, 1)
    assert [job.attempt for job in build.jobs.all()] == [1, 1]


def test_a_bell_wakes_a_runner_that_polls_seldom(house, make_build):
    house.runner(RUNNER_POLL_SECONDS="60")
    servers.wait_until(lambda: Runner.objects.exists(), what="the runner")
    build = make_build()
    add_job(build)
    with celery.Celery(broker=house.broker) as bells:
        bells.send_task("builds.tasks.take_job", queue="runners")
    assert until_ended(build, seconds=20).status == Status.PASSED

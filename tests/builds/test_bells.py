"""Bells and news: what is rung and published when something changes, and that nobody waits for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError

from builds import receivers, tasks
from builds.bells import QUIET_SECONDS, Bells
from builds.logs import live
from builds.models import Build
from builds.services.cancel import cancel
from builds.services.claim import RunnerIdentity
from builds.services.finish import finish
from builds.services.pulse import beat
from builds.services.trigger import BuildRequest, trigger
from builds.signals import bell_rung, builds_created
from runners.contract import JobResult, Outcome
from tests.builds.queue import add_job, claim_now

PUSH = BuildRequest(ref="refs/heads/main", branch="main", commit="a" * 40)


class Broker:
    """Takes bells, or fails."""

    def __init__(self) -> None:
        self.rung: list[tuple] = []
        self.is_away = False
        self.tried = 0

    def task(self) -> SimpleNamespace:
        return SimpleNamespace(name="task", apply_async=self._take)

    def _take(self, arguments, *, retry):
        assert retry is False
        self.tried += 1
        if self.is_away:
            raise OperationalError("away")
        self.rung.append(arguments)


@pytest.fixture
def rung(monkeypatch):
    """What the receivers rang: (name of the task, arguments)."""
    heard: list[tuple] = []
    monkeypatch.setattr(receivers, "ring", lambda task, *ids: heard.append((task.name.split(".")[-1], *ids)) or True)
    return heard


@pytest.fixture
def published(monkeypatch):
    """What live pages heard: (kind of topic, type of event, status)."""
    heard: list[tuple] = []

    def hear(news) -> None:
        heard.extend(
            (topic.split(":")[0], event["type"], event["status"]) for topics, event in news for topic in topics
        )

    monkeypatch.setattr(live, "publish_all", hear)
    return heard


def test_a_broker_that_fails_is_left_alone_for_a_moment():
    broker, now = Broker(), [0.0]
    bells = Bells(clock=lambda: now[0])
    assert bells.ring(broker.task(), 7)
    broker.is_away = True
    assert not bells.ring(broker.task(), 8)
    assert not bells.ring(broker.task(), 9)
    assert broker.tried == 2, "the third did not knock"
    broker.is_away = False
    now[0] += QUIET_SECONDS
    assert bells.ring(broker.task(), 10)
    assert broker.rung == [(7,), (10,)]


@pytest.mark.django_db(transaction=True)
def test_bells_ring_when_the_change_is_committed_and_not_before(project, rung, published):
    with transaction.atomic():
        build = trigger(project, PUSH, who="ada")
        assert rung == []
    assert rung == [("plan_build", build.pk)]
    assert published == [(topic, "build", "queued") for topic in ("build", "project", "organization")]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_rings_nothing(project, rung, published):
    with transaction.atomic():
        trigger(project, PUSH, who="ada")
        transaction.set_rollback(True)
    assert (rung, published, Build.objects.count()) == ([], [], 0)


@pytest.mark.django_db(transaction=True)
def test_a_jobs_life_as_pages_hear_it(make_build, rung, published):
    job = add_job(make_build())
    assert rung == [("take_job",)]
    taken = claim_now()
    cancel(job.build, who="ada", reason="No.")
    finish(taken, JobResult(outcome=Outcome.CANCELLED))
    assert [event for event in published if event[0] == "build"] == [
        ("build", "job", "running"),
        ("build", "build", "running"),
        ("build", "job", "running"),  # now to be cancelled
        ("build", "job", "cancelled"),
        ("build", "build", "cancelled"),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_listener_that_fails_harms_nobody(project, rung, published):
    def broken(**_: object) -> None:
        raise RuntimeError("a listener of another app")

    builds_created.connect(broken)
    try:
        build = trigger(project, PUSH, who="ada")
    finally:
        builds_created.disconnect(broken)
    assert Build.objects.filter(pk=build.pk).exists()
    assert ("plan_build", build.pk) in rung


@pytest.mark.django_db
def test_the_beat_rings_for_what_still_waits_once_for_each_runner(make_build, monkeypatch):
    heard: list[tuple] = []
    monkeypatch.setattr(tasks, "ring", lambda task, *ids: heard.append((task.name.split(".")[-1], *ids)) or True)
    build = make_build()
    Build.objects.filter(pk=build.pk).update(created_at="2026-01-01T00:00Z")
    planned = make_build(planned_at="2026-01-01T00:00Z")
    add_job(planned), add_job(planned), add_job(planned)
    for name in ("one", "two"):
        beat(RunnerIdentity(name=name), capacity=4, executor="fake", draining=False)
    tasks.wake_waiting()
    assert heard == [("plan_build", build.pk), ("take_job",), ("take_job",)]


@pytest.mark.django_db
def test_doors_bear_arguments_of_a_newer_release(make_build):
    heard: list[object] = []

    def hear(**_: object) -> None:
        heard.append(1)

    bell_rung.connect(hear)
    try:
        tasks.take_job(urgency=5)
    finally:
        bell_rung.disconnect(hear)
    assert heard == [1]
    tasks.plan_build(0, shard=2)
    tasks.reap_jobs(shard=2)
    tasks.prune(shard=2)


@pytest.mark.django_db
def test_bells_for_what_is_not_there_do_nothing(make_build):
    build = make_build(status="passed", finished_at="2026-01-01T00:00Z")
    for build_id in (0, build.pk):
        tasks.plan_build(build_id)
    build.refresh_from_db()
    assert build.status == "passed"

"""T03: kill -9 at every named point of the protocol. What was begun is ended once, by whoever comes next."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from builds.models import Build, Job, OutboxEntry, OutboxLane, Project
from builds.models.job import JobKind
from builds.models.outbox import OutboxState
from builds.outbound import outbox
from builds.services.plan import plan
from builds.services.reap import reap
from builds.states import FINAL, Status
from deployments.models import Deployment
from deployments.services.sweep import sweep
from tests import servers
from tests.builds.queue import OTHER, add_job, age, claim_now
from tests.faults import notes
from tests.faults.crash import SECONDS, Crash, as_text
from tests.faults.harness import ROOT, until_ended
from tests.faults.origin import CONFIGURATION, repository

pytestmark = pytest.mark.timeout(400)

SCRIPT = "print begun\nflood 3000000\nprint done"
# In the order in which a runner passes them.
RUNNER = [
    Crash(point="builds.services.claim._own", when="after"),  # written, not committed
    Crash(point="builds.runner.loop.claim", when="after"),
    Crash(point="builds.services.run.job_spec", when="after"),
    Crash(point="builds.services.record.StepRecorder.step_started", when="before"),
    Crash(point="builds.services.record.StepRecorder.step_started", when="after"),
    Crash(point="runners.executors.fake.FakeWorkspace.run", when="before"),
    Crash(point="builds.runner.heart.heartbeat", when="after"),
    Crash(point="builds.logs.segments.store", when="before"),
    Crash(point="builds.logs.segments.store", when="after"),  # the file is there, its row is not
    Crash(point="builds.logs.store.Store.put", when="after", turn=2),
    Crash(point="builds.logs.live.append", when="after", turn=3),
    Crash(point="runners.executors.fake.FakeWorkspace.run", when="after"),
    Crash(point="builds.logs.store.Store.finish", when="before"),  # the last file is there, its row is not
    Crash(point="builds.logs.store.Store.finish", when="after"),
    Crash(point="builds.services.record.StepRecorder._close_log", when="after"),
    Crash(point="builds.services.record.StepRecorder._tell", when="after", turn=2),
    Crash(point="builds.services.record.StepRecorder.close", when="after"),
    Crash(point="builds.services.run.finish", when="before"),
    Crash(point="builds.services.finish.settle", when="after"),  # written, not committed
    Crash(point="builds.receivers.announce_job", when="before", turn=2),  # committed, nobody told
    Crash(point="builds.services.run.finish", when="after"),
]
# Those at which what becomes of a deployment differs from what becomes of a pipeline, or where it might.
DEPLOYED = {
    "builds.services.claim._own",
    "builds.services.run.job_spec",
    "runners.executors.fake.FakeWorkspace.run",
    "builds.services.run.finish",
    "builds.services.finish.settle",
    "builds.receivers.announce_job",
}
BOTH = [JobKind.PIPELINE, JobKind.DEPLOYMENT]
ENDED = {"builds.receivers.announce_job", "builds.services.run.finish"}


def crash(house, *cases: Crash, in_turn: bool = False) -> None:
    """Run all cases, at once or one after another; each must have died at its point."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.crash", *(["in-turn"] if in_turn else [])],
        input=as_text(list(cases)),
        cwd=ROOT,
        env=house.environment(),
        capture_output=True,
        text=True,
        timeout=len(cases) * SECONDS,
    )
    codes = json.loads(done.stdout)
    alive = [case.name for case, code in zip(cases, codes, strict=True) if code != -9]
    assert alive == [], f"never came to its point:\n{done.stderr[-6000:]}"


@pytest.fixture
def house(house):
    """With leases that no busy machine makes run out: those of the dead are ended by `end_leases`."""
    house.settings["LEASE_SECONDS"] = "60"
    return house


def end_leases() -> None:
    """As if a minute had passed."""
    Job.objects.filter(status=Status.RUNNING).update(lease_expires_at=Now() - timedelta(seconds=1))
    Build.objects.filter(planned_at=None).update(plan_not_before=Now())


def for_itself(case: Crash, kind: JobKind) -> Crash:
    """The case as a runner that takes only the job with its label."""
    label = f"{case.name}-{kind}"
    alone = {"REAP_SECONDS": 3600, "HEARTBEAT_SECONDS": 0.2}  # its calls are about its own job
    return replace(case, settings={"RUNNER_NAME": label, "RUNNER_LABELS": [label], "RUNNER_CAPACITY": 1, **alone})


@pytest.fixture
def room_for_all(organization):
    organization.concurrency = 1000
    organization.save()


def test_a_runner_killed_at_every_point(house, make_build, room_for_all):
    """Pipelines pass in another attempt, deployments are never done twice."""
    jobs = {}
    for case in RUNNER:
        for kind in BOTH if case.point in DEPLOYED else [JobKind.PIPELINE]:
            ended = {"status": Status.PASSED, "finished_at": "2026-01-01T00:00Z"}
            build = make_build(**(ended if kind == JobKind.DEPLOYMENT else {}))
            own = for_itself(case, kind)
            jobs[own] = add_job(build, SCRIPT, labels=tuple(own.settings["RUNNER_LABELS"]), kind=kind)
    crash(house, *jobs)
    end_leases()
    labels = ",".join(job.labels for job in jobs.values())
    house.runner("last", RUNNER_LABELS=labels, RUNNER_CAPACITY="6")
    servers.wait_until(lambda: not Job.objects.unfinished().exists(), seconds=2 * SECONDS, what="all to end")
    for case, job in jobs.items():
        job.refresh_from_db()
        ends_once(case, job)
        (survives if job.kind == JobKind.PIPELINE else is_not_tried_again)(case, job)


def ends_once(case: Crash, job: Job) -> None:
    ends = [move.went_to for move in job.moves.order_by("pk") if move.went_to in FINAL]
    assert ends == [job.status], case.name
    assert job.steps.count() == job.attempt, case.name


def survives(case: Crash, job: Job) -> None:
    """It passed, in a second attempt where the first was not settled, and its log is whole."""
    was_settled = case.point in ENDED and (case.when == "after" or "announce" in case.point)
    was_claimed = "_own" not in case.point
    assert (job.status, job.attempt) == (Status.PASSED, 1 if was_settled or not was_claimed else 2), case.name
    step = job.steps.get(attempt=job.attempt)
    assert (step.status, step.log_complete) == (Status.PASSED, True), case.name


def is_not_tried_again(case: Crash, job: Job) -> None:
    """What a deployment did is done once: where nobody knows how far it came, it says so."""
    assert job.attempt == 1, case.name
    assert job.status == Status.PASSED or "nobody knows how far it came" in job.reason, case.name


_REAP = "builds.services.reap"
REAPER = [
    Crash(point=f"{_REAP}.hold", call=f"{_REAP}.reap"),
    Crash(point=f"{_REAP}.settle", call=f"{_REAP}.reap"),
    Crash(point=f"{_REAP}.rescue", call=f"{_REAP}.reap"),
    Crash(point=f"{_REAP}._reap_one", call=f"{_REAP}.reap"),
    Crash(point="builds.receivers.announce_job", when="before", call=f"{_REAP}.reap"),
]


def test_a_reaper_killed_at_every_point(house, make_build):
    jobs = [add_job(make_build(), "print x") for _ in REAPER]
    for job in jobs:
        claim_now(OTHER)
        job.steps.update(status=Status.RUNNING, started_at="2026-01-01T00:00Z")
        age(job, lease_expires_at=timedelta(hours=1))
    crash(house, *REAPER, in_turn=True)
    reap()
    for job in jobs:
        job.refresh_from_db()
        assert (job.status, job.epoch, job.moves.filter(who="reaper").count()) == (Status.QUEUED, 2, 1)


PLANNER = [
    Crash(point="builds.services.plan.take_turn"),
    Crash(point="builds.services.plan.fetch", when="before"),
    Crash(point="builds.services.plan.fetch"),
    Crash(point="builds.services.plan.read_files"),
    Crash(point="builds.services.plan.make"),
    Crash(point="builds.services.plan.enqueue"),  # written, not committed
    Crash(point="builds.receivers.ring", when="before"),  # committed, no bell
    Crash(point="builds.services.plan._store"),
]


def test_a_planner_killed_at_every_point(house, push):
    builds = {case: push() for case in PLANNER}
    cases = [
        Crash(point=case.point, when=case.when, call="builds.services.plan.plan", arguments=(build.pk,))
        for case, build in builds.items()
    ]
    crash(house, *cases)
    end_leases()
    house.worker()
    house.beat()
    house.runner()
    for case, build in builds.items():
        assert until_ended(build).status == Status.PASSED, case.name
        assert sorted(build.jobs.values_list("name", "attempt")) == [("lint", 1), ("test", 1)], case.name


OUTBOX = [
    Crash(point="builds.outbound.lanes.claim"),
    Crash(point="builds.outbound.outbox._deliver", when="before"),
    Crash(point="builds.outbound.outbox._deliver"),  # sent, not marked
    Crash(point="builds.outbound.lanes.Claim.release", when="before"),
]


def test_a_sender_killed_at_every_point(house, tmp_path):
    """At least once, whatever happens; twice only where the kill came between sending and noting it."""
    cases = [replace(case, call="tests.faults.notes.deliver_lane", arguments=(case.name,)) for case in OUTBOX]
    for case in cases:
        outbox.put(notes.KIND, case.name, {"path": str(tmp_path / case.name)}, lane=case.name)
    crash(house, *cases)
    assert [outbox.deliver_lane(case.name) for case in cases] == [0, 0, 0, 0], "their leases have not ended"
    OutboxLane.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    for case in cases:
        outbox.deliver_lane(case.name)
    sent = {case: (tmp_path / case.name).read_text().count("sent") for case in cases}
    assert list(sent.values()) == [1, 1, 2, 1]
    assert not OutboxEntry.objects.filter(state=OutboxState.PENDING).exists()


DEPLOYER = [
    Crash(point="deployments.receivers.request_for_build", when="before"),
    Crash(point="deployments.services.request.make_release"),
    Crash(point="deployments.receivers.request_for_build"),
    Crash(point="deployments.receivers.advance", when="before"),
    Crash(point="deployments.receivers.settle", when="before"),
    Crash(point="deployments.services.go_live.move", when="after"),
]
DEPLOYS = (
    CONFIGURATION
    + """
deployments:
  staging:
    branch: main
    steps: [{name: ship, run: print shipped}]
"""
)


def test_deployments_of_who_is_killed_at_every_point(house, organization, tmp_path, make_build):
    """Asked for, begun and settled by processes that died at it: each environment gets its release, once."""
    cases = []
    for number, case in enumerate(DEPLOYER):
        label = f"point-{number}"
        origin = tmp_path / label
        commit = repository(origin, f"labels: [{label}]\n{DEPLOYS}")
        project = Project.objects.create(organization=organization, name=label, repository_url=str(origin))
        plan(make_build(project=project, commit=commit).pk)
        cases.append(replace(case, settings={"RUNNER_NAME": label, "RUNNER_LABELS": [label], "RUNNER_CAPACITY": 1}))
    crash(house, *cases)
    house.runner("last", RUNNER_LABELS=",".join(f"point-{number}" for number in range(len(cases))))

    def all_live() -> bool:
        reap(), sweep()
        return Deployment.objects.filter(status="live").count() == len(DEPLOYER)

    servers.wait_until(all_live, seconds=SECONDS, what="the last deployment")
    sweep()
    deploying = Job.objects.filter(kind=JobKind.DEPLOYMENT)
    assert list(deploying.values_list("attempt", "status")) == [(1, Status.PASSED)] * len(DEPLOYER)
    assert Deployment.objects.count() == len(DEPLOYER)

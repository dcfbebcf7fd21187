"""The protocol of ownership under any order of events: hypothesis looks for one that breaks an invariant."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Organization
from builds.invariants import check_invariants
from builds.models import Build, Job, Project
from builds.models.job import JobKind
from builds.services.cancel import cancel, cancel_job
from builds.services.claim import RunnerIdentity, claim
from builds.services.finish import finish
from builds.services.heartbeat import heartbeat
from builds.services.reap import reap
from builds.states import FINAL, Status
from runners.contract import JobResult, Outcome, StopReason
from tests.builds.queue import add_job

LIMIT = 2
RESULTS = st.builds(JobResult, outcome=st.sampled_from(Outcome), reason=st.just("So it was."), retry=st.booleans())
STOPS = st.sampled_from([None, StopReason.CANCELLED, StopReason.DRAINED, StopReason.TIMED_OUT, StopReason.LOST_LEASE])
_made = iter(range(10**9))


class Protocol(RuleBasedStateMachine):
    """Two runners, two builds, and a clock that moves: the world of one organisation."""

    claims = Bundle("claims")

    @initialize()
    def begin(self):
        name = f"team-{next(_made)}"
        self.team = Organization.objects.create(name=name, slug=name, concurrency=LIMIT)
        project = Project.objects.create(organization=self.team, name="api", repository_url="https://x.example/a")
        self.builds = [
            Build.objects.create(project=project, number=number, ref="refs/heads/main", branch="main", commit="a" * 40)
            for number in (1, 2)
        ]
        for build in self.builds:
            add_job(build), add_job(build)
        add_job(self.builds[0], kind=JobKind.DEPLOYMENT)
        self.ended: dict[int, str] = {}
        self.epochs: dict[int, int] = {}
        self.live: dict[int, int] = {}

    @property
    def jobs(self):
        return Job.objects.filter(organization=self.team)

    @rule(target=claims, name=st.sampled_from(["a", "b"]))
    def take(self, name):
        taken = claim(RunnerIdentity(name=name))
        if taken is None:
            return multiple()
        assert taken.epoch > self.epochs.get(taken.job_id, 0)
        assert taken.job_id not in self.live, "owned twice"
        self.live[taken.job_id] = taken.epoch
        return taken

    @rule(taken=claims)
    def beat(self, taken):
        orders = heartbeat([taken])
        owns = self.live.get(taken.job_id) == taken.epoch
        assert (taken.job_id in orders.renewed) is owns
        assert (taken.job_id in orders.lost) is not owns

    @rule(taken=consumes(claims), result=RESULTS, stopped=STOPS)
    def end(self, taken, result, stopped):
        owns = self.live.get(taken.job_id) == taken.epoch
        written = finish(taken, result, stopped=stopped)
        assert written is (owns and stopped != StopReason.LOST_LEASE)
        if written:
            del self.live[taken.job_id]

    @rule(which=st.integers(0, 4))
    def want_less(self, which):
        job = self.jobs.order_by("pk")[which]
        was = job.status
        assert cancel_job(job, who="ada", reason="No.") is (was not in FINAL and job.cancel_requested_at is None)

    @rule(which=st.integers(0, 1))
    def want_none(self, which):
        cancel(self.builds[which], who="ada", reason="No.")

    @rule(seconds=st.integers(20, 400))
    def time_passes(self, seconds):
        ago = timedelta(seconds=seconds)
        moments = ("lease_expires_at", "deadline_at", "not_before", "cancel_requested_at")
        self.jobs.update(**{name: F(name) - ago for name in moments})

    @rule()
    def sweep(self):
        reap()
        self.live = {pk: epoch for pk, epoch in self.live.items() if self._owns(pk, epoch)}

    def _owns(self, pk: int, epoch: int) -> bool:
        return self.jobs.filter(pk=pk, epoch=epoch, status=Status.RUNNING).exists()

    @invariant()
    def nothing_is_as_it_cannot_be(self):
        assert check_invariants() == []
        for job in self.jobs:
            assert job.epoch >= self.epochs.get(job.pk, 0), "epochs only rise"
            self.epochs[job.pk] = job.epoch
            assert self.ended.get(job.pk, job.status) == job.status, "what has ended stays"
            if job.status in FINAL:
                self.ended[job.pk] = job.status
            if job.kind == JobKind.DEPLOYMENT and job.status == Status.QUEUED and job.attempt:
                assert not job.steps.filter(started_at__isnull=False).exists()
        running = {job.pk for job in self.jobs if job.status == Status.RUNNING}
        assert running == set(self.live)
        assert len(running) <= LIMIT

    def teardown(self):
        """Whatever happened: without any message the sweeps bring everything to an end."""
        if not hasattr(self, "team"):
            return
        far = timedelta(hours=30)
        for _ in range(12):
            if not self.jobs.exclude(status__in=FINAL).exists():
                break
            claim(RunnerIdentity(name="z"))
            self.jobs.update(lease_expires_at=F("lease_expires_at") - far, not_before=Now() - far / 10 * 9)
            reap()
        assert not self.jobs.exclude(status__in=FINAL).exists()
        assert not Build.objects.filter(pk__in=[build.pk for build in self.builds]).unfinished().exists()
        self.team.delete()


@pytest.mark.django_db
def test_any_order_of_events():
    run_state_machine_as_test(
        Protocol,
        settings=settings(
            max_examples=10,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )

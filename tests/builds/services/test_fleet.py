"""What runners are told is obeyed by the queue itself: pauses, revocations, pools, forks, halts."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Organization, User
from builds.models import Halt, Job, Project, Runner
from builds.models.job import JobKind
from builds.models.runner import Serves
from builds.services import fleet
from builds.services.claim import claim
from builds.services.fence import LostLease, check_owned
from builds.services.finish import finish
from builds.services.halt import halt, resume
from builds.services.heartbeat import heartbeat, watch
from builds.services.identity import RunnerIdentity
from builds.services.prune import prune
from builds.services.pulse import beat, leave
from builds.services.reap import reap
from builds.states import Status
from runners.contract import JobResult, Outcome
from tests.builds.queue import OTHER, RUNNER, add_job, claim_now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]

PASSED = JobResult(outcome=Outcome.PASSED)


@pytest.fixture
def admin(db) -> User:
    return User.objects.create_superuser("root@example.com", "correct horse battery")


@pytest.fixture
def row(db) -> Runner:
    return pulse(RUNNER)


def pulse(who: RunnerIdentity, **facts: object) -> Runner:
    return beat(who, capacity=4, executor="fake", draining=False, **facts)


def audited() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


class TestPause:
    def test_it_takes_no_new_jobs_and_keeps_what_it_runs(self, make_build, row, admin):
        job = add_job(make_build())
        taken = claim_now()
        add_job(make_build())
        assert fleet.pause(row.pk, user=admin, reason="New kernel")
        assert claim(RUNNER) is None
        assert heartbeat([taken]).renewed == {job.pk}
        assert finish(taken, PASSED)
        assert claim(OTHER) is not None
        assert audited() == ["runner.paused"]

    def test_it_takes_jobs_again_when_resumed(self, make_build, row, admin):
        add_job(make_build())
        fleet.pause(row.pk, user=admin, reason="")
        assert fleet.resume(row.pk, user=admin)
        assert claim(RUNNER) is not None
        assert not fleet.resume(row.pk, user=admin)

    def test_it_outlives_a_restart_and_a_day_away(self, make_build, row, admin):
        add_job(make_build())
        fleet.pause(row.pk, user=admin, reason="New kernel")
        leave(RUNNER)
        Runner.objects.update(seen_at=Now() - timedelta(days=3))
        prune()
        assert pulse(RUNNER, is_first=True).paused_at is not None
        assert claim(RUNNER) is None

    def test_the_claim_of_who_is_paused_costs_one_statement(self, make_build, row, admin):
        add_job(make_build())
        fleet.pause(row.pk, user=admin, reason="")
        with CaptureQueriesContext(connection) as captured:
            assert claim(RUNNER) is None
        assert len(captured) == 1


class TestDrain:
    def test_its_row_says_so_and_claims_end_at_once(self, make_build, row, admin):
        add_job(make_build())
        assert fleet.drain(row.pk, user=admin)
        assert claim(RUNNER) is None
        assert pulse(RUNNER).drain_at is not None

    def test_the_next_process_begins_anew(self, make_build, row, admin):
        add_job(make_build())
        fleet.drain(row.pk, user=admin)
        assert pulse(RUNNER, is_first=True).drain_at is None
        assert claim(RUNNER) is not None


class TestRevoke:
    def test_its_jobs_go_to_others_and_nothing_it_writes_counts(self, make_build, row, admin):
        job = add_job(make_build())
        taken = claim_now()
        assert fleet.revoke(row.pk, user=admin)
        job.refresh_from_db()
        assert (job.status, job.epoch, job.owner) == (Status.QUEUED, 2, "")
        assert "was revoked" in job.reason
        assert not finish(taken, PASSED)
        with pytest.raises(LostLease):
            check_owned(taken)
        assert heartbeat([taken]).lost == {job.pk}
        assert claim(RUNNER) is None

    def test_a_claim_that_was_on_its_way_is_lost_at_the_next_heartbeat_and_reaped(self, make_build, row, admin):
        job = add_job(make_build())
        taken = claim_now()
        Runner.objects.update(revoked_at=Now())  # as if it had been revoked while the claim committed
        assert watch([taken]).lost == {job.pk}
        assert heartbeat([taken]).renewed == frozenset()
        assert reap() == 1
        job.refresh_from_db()
        assert (job.status, job.epoch) == (Status.QUEUED, 2)

    def test_it_stays_revoked_until_it_is_forgotten(self, row, admin):
        fleet.revoke(row.pk, user=admin)
        Runner.objects.update(seen_at=Now() - timedelta(days=30))
        prune()
        assert Runner.objects.filter(revoked_at__isnull=False).exists()
        assert pulse(RUNNER, is_first=True).revoked_at is not None

    def test_a_deployment_of_a_revoked_runner_is_not_tried_again(self, make_build, row, admin):
        job = add_job(make_build(status=Status.PASSED, finished_at="2026-01-01T00:00Z"), kind=JobKind.DEPLOYMENT)
        claim_now()
        fleet.revoke(row.pk, user=admin)
        job.refresh_from_db()
        assert (job.status, job.failure) == (Status.ERRORED, "runner_lost")


def test_a_runner_cannot_end_anothers_job(make_build):
    job = add_job(make_build())
    taken = claim_now()
    ghost = type(taken)(job_id=taken.job_id, epoch=taken.epoch + 1, attempt=taken.attempt, owner=OTHER.name)
    assert not finish(ghost, PASSED)
    with pytest.raises(LostLease):
        check_owned(ghost)
    job.refresh_from_db()
    assert (job.status, job.owner) == (Status.RUNNING, RUNNER.name)


class TestForget:
    def test_only_who_is_gone(self, row, admin):
        with pytest.raises(fleet.FleetError, match="is alive"):
            fleet.forget(row.pk, user=admin)
        Runner.objects.update(seen_at=Now() - timedelta(hours=1))
        assert fleet.forget(row.pk, user=admin)
        assert not Runner.objects.exists()

    def test_who_is_gone_for_a_day_goes_by_itself(self, row):
        Runner.objects.update(seen_at=Now() - timedelta(hours=25))
        prune()
        assert not Runner.objects.exists()


class TestForks:
    def serving(self, serves: Serves) -> RunnerIdentity:
        return RunnerIdentity(name=str(serves), serves=serves)

    def test_each_kind_of_runner_takes_its_own(self, make_build):
        ours, theirs = add_job(make_build()), add_job(make_build(from_fork=True))
        assert claim_now(self.serving(Serves.FORKS)).job_id == theirs.pk
        assert claim(self.serving(Serves.FORKS)) is None
        assert claim_now(self.serving(Serves.TRUSTED)).job_id == ours.pk

    def test_a_trusted_one_leaves_forks_to_others(self, make_build):
        theirs = add_job(make_build(from_fork=True))
        assert claim(self.serving(Serves.TRUSTED)) is None
        assert claim_now(self.serving(Serves.ALL)).job_id == theirs.pk

    @pytest.mark.parametrize("kind", [JobKind.DEPLOYMENT, JobKind.CHECK])
    def test_a_deployment_never_runs_where_forks_do_whatever_it_asks_for(self, make_build, kind):
        build = make_build(status=Status.PASSED, finished_at="2026-01-01T00:00Z", from_fork=True)
        add_job(build, kind=kind, labels=(":fork", "gpu"))
        assert Job.objects.get().labels == "gpu"
        runner = RunnerIdentity(name="r", serves=Serves.FORKS, labels=frozenset({"gpu", ":fork"}))
        assert claim(runner) is None

    def test_labels_count_beside(self, make_build):
        add_job(make_build(from_fork=True), labels=("gpu",))
        assert claim(self.serving(Serves.FORKS)) is None
        assert claim(RunnerIdentity(name="g", serves=Serves.FORKS, labels=frozenset({"gpu"}))) is not None


def test_a_pool_serves_its_organisation_alone(make_build, organization):
    other = Organization.objects.create(name="Elsewhere", slug="elsewhere")
    theirs = add_job(make_build(project=Project.objects.create(organization=other, name="e/api")))
    pool = RunnerIdentity(name="pool", organization=organization.uuid)
    assert claim(pool) is None
    ours = add_job(make_build())
    assert claim_now(pool).job_id == ours.pk
    assert claim_now().job_id == theirs.pk


def test_a_pool_whose_organisation_is_gone_takes_nothing_and_says_so(make_build):
    add_job(make_build())
    pool = RunnerIdentity(name="pool", organization=uuid.uuid4())
    assert claim(pool) is None
    assert "which is not there" in pulse(pool).obstacle


class TestHalt:
    def test_no_new_job_begins_anywhere_and_what_runs_goes_on(self, make_build, admin):
        add_job(make_build())
        taken = claim_now()
        add_job(make_build())
        halt(None, user=admin, reason="The registry is compromised.")
        assert claim(RUNNER) is None
        assert heartbeat([taken]).renewed
        assert finish(taken, PASSED)
        assert audited() == ["work.halted"]

    def test_of_one_organisation_others_go_on(self, make_build, organization, owner):
        other = Organization.objects.create(name="Elsewhere", slug="elsewhere")
        add_job(make_build())
        theirs = add_job(make_build(project=Project.objects.create(organization=other, name="e/api")))
        halt(organization, user=owner, reason="Stop.")
        assert claim_now().job_id == theirs.pk
        assert claim(RUNNER) is None

    def test_lifted_everything_goes(self, make_build, organization, owner, admin):
        jobs = [add_job(make_build()) for _ in range(2)]
        halt(organization, user=owner, reason="Stop.")
        halt(None, user=admin, reason="Stop all.")
        assert resume(organization, user=owner)
        assert claim(RUNNER) is None, "everything is halted all the same"
        assert resume(None, user=admin)
        assert not resume(None, user=admin)
        assert [claim_now().job_id, claim_now().job_id] == [job.pk for job in jobs]

    def test_what_runs_may_be_stopped_too(self, make_build, admin):
        job = add_job(make_build())
        taken = claim_now()
        halt(None, user=admin, reason="Stop.", stop_running=True)
        assert watch([taken]).cancelled == {job.pk}

    def test_a_claim_that_saw_the_lane_before_is_refused_at_the_last_moment(self, make_build, organization, owner):
        """The lanes were read before the halt: the look under the organisation's lock finds it."""
        add_job(make_build())
        reads: list[str] = []

        def between(execute, sql, params, many, context):
            if "SKIP LOCKED" in sql.upper() and "accounts_organization" in sql and not reads:
                reads.append(sql)
                Halt.objects.create(organization=organization, reason="Now.", by=owner)
            return execute(sql, params, many, context)

        if connection.vendor != "postgresql":
            pytest.skip("SQLite writes one after another")
        with connection.execute_wrapper(between):
            assert claim(RUNNER) is None
        assert reads

"""Builds that wait for a person: how they come to wait, who lets them go on, and what becomes of those nobody asks for."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from accounts.models import AuditEntry, Role
from builds.invariants import check_invariants
from builds.logs import live
from builds.models import Job
from builds.services.approve import APPROVAL_DAYS, approve
from builds.services.cancel import cancel
from builds.services.claim import claim
from builds.services.enqueue import enqueue
from builds.services.prune import prune
from builds.services.reap import reap
from builds.services.run import run
from builds.states import Status
from runners.contract import PipelineSpec, StepKind, StepSpec, Stop
from tests.builds.api.conftest import with_token
from tests.builds.queue import RUNNER, add_job, age, claim_now, fake_executor

pytestmark = pytest.mark.django_db(transaction=True)

TEST = StepSpec(name="test", script="print tested")
SHIP = StepSpec(name="ship", script="print-env CI_BUILD_APPROVED")
RELEASE = StepSpec(name="release", kind=StepKind.SERIAL, is_manual=True, steps=(SHIP,))


@pytest.fixture(autouse=True)
def place(settings, tmp_path, db):
    settings.DATA_DIR = tmp_path
    yield
    live.disconnect()
    assert check_invariants() == []


@pytest.fixture
def go(tmp_path):
    """Runs what waits for a runner, one job."""
    return lambda: run(claim_now(), fake_executor(tmp_path), Stop())


@pytest.fixture
def waiting(make_build, go):
    """Makes a build that waits for approval."""

    def make(**fields):
        build = make_build(**fields)
        spec = PipelineSpec(name="main", steps=(TEST, RELEASE))
        enqueue(build, spec, kind="pipeline", variables={}, position=0)
        go()
        build.refresh_from_db()
        return build

    return make


def steps(build, attempt: int) -> list[tuple[str, str]]:
    return list(build.jobs.get().steps.filter(attempt=attempt).order_by("position").values_list("name", "status"))


def test_it_waits_without_a_runner(waiting):
    build = waiting()
    job = build.jobs.get()
    assert (build.status, job.status, job.owner, job.lease_expires_at) == (Status.WAITING, Status.WAITING, "", None)
    assert build.reason == "Everything before its manual steps passed."
    assert steps(build, 1) == [("test", "passed"), ("release", "skipped"), ("ship", "skipped")]
    assert claim(RUNNER) is None
    assert reap() == 0


def test_approved_it_runs_once_more_from_the_beginning(waiting, go, owner):
    build = waiting()
    assert approve(build, user=owner)
    go()
    build.refresh_from_db()
    job = build.jobs.get()
    assert (build.status, job.attempt) == (Status.PASSED, 2)
    assert steps(build, 2) == [("test", "passed"), ("release", "passed"), ("ship", "passed")]
    assert job.variables == {"CI_BUILD_APPROVED": "true"}
    assert steps(build, 1) == [("test", "passed"), ("release", "skipped"), ("ship", "skipped")]
    history = list(build.moves.order_by("pk").values_list("went_to", "who"))
    assert (Status.WAITING, RUNNER.name) in history
    assert (Status.QUEUED, owner.email) in history
    entry = AuditEntry.objects.get(action="build.approved")
    assert (entry.user, entry.organization, entry.subject) == (owner, build.project.organization, str(build))


def test_the_page_says_of_the_first_attempt_that_it_waited(client, waiting, go, owner):
    build = waiting()
    approve(build, user=owner)
    go()
    client.force_login(owner)
    page = client.get(f"/projects/{build.project.uuid}/builds/{build.number}/").content.decode()
    assert "then it waited for approval" in page
    assert "ended without an end" not in page


def test_twice_is_once(waiting, owner):
    build = waiting()
    assert [approve(build, user=owner), approve(build, user=owner)] == [True, False]
    assert AuditEntry.objects.filter(action="build.approved").count() == 1


def test_an_approved_attempt_that_is_lost_is_tried_again_approved(waiting, tmp_path, owner):
    build = waiting()
    approve(build, user=owner)
    claim_now()
    job = build.jobs.get()
    age(job, lease_expires_at=timedelta(minutes=5))
    assert reap() == 1
    age(job, not_before=timedelta(minutes=5))
    run(claim_now(), fake_executor(tmp_path), Stop())
    build.refresh_from_db()
    assert (build.status, build.jobs.get().attempt) == (Status.PASSED, 3)


def test_approving_the_newest_covers_the_older_ones_of_its_branch(waiting, owner):
    older, elsewhere, newest = waiting(), waiting(ref="refs/heads/dev", branch="dev"), waiting()
    approve(newest, user=owner)
    for build in (older, elsewhere):
        build.refresh_from_db()
    assert (older.status, older.reason) == (Status.CANCELLED, f"Build #{newest.number}, which is newer, was approved.")
    assert elsewhere.status == Status.WAITING


def test_what_failed_or_passed_waits_for_nobody(make_build, go, owner):
    build = make_build()
    enqueue(
        build,
        PipelineSpec(name="main", steps=(StepSpec(name="test", script="exit 1"), RELEASE)),
        kind="pipeline",
        variables={},
    )
    go()
    build.refresh_from_db()
    assert build.status == Status.FAILED
    assert not approve(build, user=owner)


def test_a_build_waits_although_its_other_pipelines_ended(waiting, go, owner):
    build = waiting()
    add_job(build, "print other")
    build.refresh_from_db()
    go()
    build.refresh_from_db()
    assert build.status == Status.WAITING
    assert approve(build, user=owner)


def test_one_that_waits_can_be_stopped_and_then_not_be_approved(waiting, owner):
    build = waiting()
    assert cancel(build, who=owner.email, reason="No.")
    assert not approve(build, user=owner)
    build.refresh_from_db()
    assert (build.status, build.reason) == (Status.CANCELLED, "No.")


def test_nobody_waits_for_ever(waiting):
    late, early = waiting(), waiting()
    age(late.jobs.get(), not_before=timedelta(days=APPROVAL_DAYS, hours=1))
    age(early.jobs.get(), not_before=timedelta(days=APPROVAL_DAYS - 1))
    prune()
    for build in (late, early):
        build.refresh_from_db()
    assert (late.status, late.reason) == (Status.CANCELLED, f"Nobody approved it within {APPROVAL_DAYS} days.")
    assert early.status == Status.WAITING


@pytest.mark.parametrize(
    ("role", "may"),
    [(Role.CONTRIBUTOR, False), (Role.PROJECT_MANAGER, False), (Role.MANAGER, True), (Role.OWNER, True)],
)
def test_who_may_on_the_page_and_in_the_api(client, waiting, make_user, organization, role, may):
    build, other = waiting(), waiting()
    user = make_user("somebody@example.com", organization, role)
    client.force_login(user)
    page = f"/projects/{build.project.uuid}/builds/{build.number}/"
    assert (f"{page}approve" in client.get(page).content.decode()) is may
    assert client.post(f"{page}approve").status_code == (302 if may else 403)
    waiting_now = Job.objects.filter(build=build, status=Status.WAITING).exists()
    assert waiting_now is not may
    project = build.project
    address = f"/v2/organizations/{organization.uuid}/projects/{project.uuid}/builds/{other.uuid}/approve"
    answer = with_token(user).post(address, json.dumps({}), content_type="application/json")
    assert answer.status_code == (202 if may else 403)
    if may:
        assert answer.json()["build"]["state"] == "queued"
        assert with_token(user).post(address).status_code == 400


def test_the_button_is_there_only_while_it_waits(client, waiting, owner):
    build = waiting()
    client.force_login(owner)
    page = f"/projects/{build.project.uuid}/builds/{build.number}/"
    assert "Waiting for approval" in client.get(page).content.decode()
    approve(build, user=owner)
    assert f"{page}approve" not in client.get(page).content.decode()
    assert "does not wait for approval" in client.post(f"{page}approve", follow=True).content.decode()

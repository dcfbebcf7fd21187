"""From a passed build to production: one at a time, in order, at most once."""

import pytest
from django.db.models import RestrictedError

from builds.models import Step
from builds.models.build import Trigger
from builds.services.move import move_build, move_job
from builds.signals import build_moved, job_moved
from builds.states import Status
from deployments.models import Deployment, Environment, Release
from deployments.services.advance import advance
from deployments.services.cancel import cancel
from deployments.services.request import RefusedError, request_by_hand, request_for_build
from deployments.services.resolve import resolve
from deployments.services.rollback import candidates, change, rollback
from deployments.services.settle import settle
from deployments.services.sweep import sweep
from deployments.tasks import advance_all
from tests.deployments.conftest import PRODUCTION, STAGING, deployment_jobs, environment_plan, of

pytestmark = pytest.mark.django_db


def test_a_passed_build_goes_to_staging_then_production(release, end):
    build = release()
    staging = of(build, "staging")
    assert (staging.status, staging.release.number, staging.release.commit) == ("rolling_out", 1, build.commit)
    assert not Deployment.objects.filter(environment__name="production").exists()

    assert end(staging).status == "live"
    production = of(build, "production")
    assert production.status == "rolling_out"
    assert production.release == staging.release, "promotion takes the release, never a new build"
    assert end(production).status == "live"
    assert production.live_at is not None
    assert deployment_jobs() == 2


def test_the_job_is_told_what_it_deploys(release, end):
    first = release()
    end(of(first, "staging"))
    second = release(commit="b" * 40)
    job = of(second, "staging").job
    assert (job.kind, job.max_attempts, job.build) == ("deployment", 1, second)
    assert job.variables == {
        "CI_ENVIRONMENT": "staging",
        "CI_RELEASE": "2",
        "CI_PREVIOUS_RELEASE": "1",
        "CI_PREVIOUS_COMMIT_ID": "a" * 40,
        "CI_DEPLOYMENT_ID": str(of(second, "staging").uuid),
        "CI_ROLLBACK": "false",
        "CI_ROLLOUT_PERCENT": "100",
    }
    assert job.spec["steps"][0]["script"] == "./deploy staging"
    assert of(first, "staging").job.variables["CI_PREVIOUS_RELEASE"] == ""


def test_a_deployment_does_not_change_its_builds_state(release, end):
    build = release()
    end(of(build, "staging"), Status.FAILED)
    build.refresh_from_db()
    assert build.status == Status.PASSED


@pytest.mark.parametrize(
    "fields",
    [
        {"from_fork": True},
        {"pull_request": 7},
        {"trigger": Trigger.PULL_REQUEST},
        {"from_fork": True, "pull_request": 7, "trigger": Trigger.RESTART},
    ],
)
def test_what_is_only_proposed_never_deploys(release, fields):
    release(**fields)
    assert not Release.objects.exists()
    assert not Environment.objects.exists()
    sweep()
    assert deployment_jobs() == 0


def test_a_branch_without_a_rule_makes_no_release(release):
    release(environment_plan("staging", branch="main", applies=False), branch="topic", ref="refs/heads/topic")
    assert not Release.objects.exists()


@pytest.mark.parametrize("state", [Status.FAILED, Status.ERRORED, Status.CANCELLED])
def test_only_passed_builds_deploy(release, make_build, commits, state):
    plan = release().plan
    build = make_build(plan=plan)
    with commits():
        move_build(build.pk, state)
        request_for_build(build.pk)
    assert Release.objects.count() == 1


def test_promotion_asks_the_branch_too(release, end):
    build = release(STAGING, environment_plan("production", after="staging", branch="release/*", applies=False))
    end(of(build, "staging"))
    assert not Deployment.objects.filter(environment__name="production").exists()


def test_doubled_news_changes_nothing(release, end, commits):
    build = release()
    staging = of(build, "staging")
    with commits():
        for _ in range(3):
            build_moved.send(type(build), move=build.moves.get(went_to="passed"))
            advance(staging.environment_id)
    assert (Release.objects.count(), Deployment.objects.count(), deployment_jobs()) == (1, 1, 1)
    end(staging)
    with commits():
        for _ in range(3):
            job_moved.send(type(staging.job), move=staging.job.moves.get(went_to="passed"))
    assert Deployment.objects.filter(environment__name="production").count() == 1
    assert staging.moves.filter(went_to="live").count() == 1


def test_two_releases_in_quick_succession_go_one_after_the_other(release, end):
    first, second = release(), release(commit="b" * 40)
    assert of(first, "staging").status == "rolling_out"
    assert of(second, "staging").status == "requested"
    assert deployment_jobs() == 1
    end(of(first, "staging"))
    assert of(second, "staging").status == "rolling_out"
    end(of(second, "staging"))
    assert of(first, "staging").status == "superseded"
    assert of(second, "staging").status == "live"


def test_of_those_that_wait_the_newest_goes(release, end):
    builds = [release() for _ in range(4)]
    end(of(builds[0], "staging"))
    assert [of(build, "staging").status for build in builds] == ["live", "superseded", "superseded", "rolling_out"]
    assert of(builds[1], "staging").reason == "release 4 goes instead"


def test_an_older_build_that_passes_later_does_not_turn_time_back(release, make_build, end, commits):
    plan = release().plan
    end(Deployment.objects.get(environment__name="staging"))
    late = make_build(plan=plan, status=Status.RUNNING)
    newer = release(commit="b" * 40)
    end(of(newer, "staging"))
    with commits():
        move_build(late.pk, Status.PASSED)
    assert late.number < newer.number
    assert of(late, "staging").status == "superseded"
    assert of(newer, "staging").status == "live"


def test_a_failed_deployment_leaves_what_was_live(release, end):
    first = release()
    end(of(first, "staging"))
    second = release(commit="b" * 40)
    failed = end(of(second, "staging"), Status.FAILED, failure="exit_code", reason="deploy exited 1")
    assert (failed.status, failed.reason) == ("failed", "deploy exited 1")
    assert of(first, "staging").status == "live"
    assert not Deployment.objects.filter(environment__name="production", release=failed.release).exists()


def test_a_lost_runner_leaves_it_unknown_and_nothing_is_tried_again(release, end, commits):
    build = release()
    lost = end(of(build, "staging"), Status.ERRORED, failure="runner_lost", reason="The runner was lost.")
    assert lost.status == "unknown"
    waiting = of(release(commit="b" * 40), "staging")
    with commits():
        for _ in range(3):
            advance(lost.environment_id)
            settle(lost.job_id)
            advance_all()
    assert deployment_jobs() == 1, "no second job, neither of this release nor of the next"
    waiting.refresh_from_db()
    assert waiting.status == "requested"


@pytest.mark.parametrize(("went_live", "state"), [(True, "live"), (False, "failed")])
def test_a_person_says_what_became_of_it(release, end, commits, went_live, state):
    build = release()
    lost = end(of(build, "staging"), Status.ERRORED, failure="runner_lost")
    with commits():
        assert resolve(lost, went_live=went_live, who="ada@example.com", reason="I looked")
    with commits():
        assert not resolve(lost, went_live=not went_live, who="bob@example.com"), "answered once"
    lost.refresh_from_db()
    assert (lost.status, lost.reason) == (state, "I looked")
    assert lost.moves.last().who == "ada@example.com"
    assert Deployment.objects.filter(environment__name="production").exists() == went_live


@pytest.mark.parametrize(
    ("failure", "began", "state"),
    [
        ("checkout", False, "failed"),
        ("image", True, "failed"),
        ("engine", False, "failed"),
        ("engine", True, "unknown"),
        ("runner_lost", False, "unknown"),
    ],
)
def test_what_broke_on_our_side_is_unknown_only_where_it_could_have_done_something(release, end, failure, began, state):
    deployment = of(release(), "staging")
    if began:
        Step.objects.create(
            job=deployment.job, attempt=1, path="0", position=0, name="deploy", started_at=deployment.created_at
        )
    assert end(deployment, Status.ERRORED, failure=failure, reason="why").status == state


def test_a_deployment_whose_steps_are_all_left_out_has_not_deployed(release, end):
    assert end(of(release(), "staging"), Status.SKIPPED).status == "failed"


def test_rollback_brings_an_earlier_release_back(release, end, commits, owner):
    first = release()
    end(of(first, "staging"))
    second = release(commit="b" * 40)
    bad = end(of(second, "staging"))
    production_before = Deployment.objects.filter(environment__name="production").count()
    with commits():
        back = rollback(bad.environment, of(first, "staging").release, user=owner, who=owner.email, reason=" 500s ")
    back.refresh_from_db()
    assert (back.status, back.is_rollback, back.request_reason) == ("rolling_out", True, "500s")
    assert (back.previous, back.job.build, back.job.variables["CI_ROLLBACK"]) == (bad.release, first, "true")
    end(back)
    bad.refresh_from_db()
    assert (back.status, bad.status) == ("live", "rolled_back")
    after = Deployment.objects.filter(environment__name="production").count()
    assert after == production_before, "what is brought back is promoted nowhere"


def test_a_rollback_that_fails_leaves_what_was_live(release, end, commits, owner):
    first, second = end(of(release(), "staging")), end(of(release(commit="b" * 40), "staging"))
    with commits():
        back = rollback(second.environment, first.release, user=owner, who=owner.email, reason="500s")
    end(back, Status.FAILED)
    second.refresh_from_db()
    assert (back.status, second.status) == ("failed", "live")


def test_a_rollback_during_a_rollout_ends_it_and_is_not_pushed_aside(release, end, commits, owner):
    first = end(of(release(), "staging"))
    second = end(of(release(commit="b" * 40), "staging"))
    third = of(release(commit="c" * 40), "staging")
    fourth = of(release(commit="d" * 40), "staging")
    with commits():
        back = rollback(second.environment, first.release, user=owner, who=owner.email, reason="500s")
    fifth = of(release(commit="e" * 40), "staging")
    for each in (back, third, fourth, fifth):
        each.refresh_from_db()
    assert (third.status, fourth.status, back.status, fifth.status) == (
        "cancelled",
        "superseded",
        "rolling_out",
        "requested",
    )
    end(back)
    fifth.refresh_from_db()
    assert fifth.status == "rolling_out"


def test_what_cannot_be_brought_back_is_refused(release, end, owner):
    first = end(of(release(), "staging"))
    failed = end(of(release(commit="b" * 40), "staging"), Status.FAILED)
    place = first.environment
    for wanted, reason in [(first.release, "why"), (failed.release, "why"), (first.release, "  ")]:
        with pytest.raises(RefusedError):
            rollback(place, wanted, user=owner, who=owner.email, reason=reason)
    with pytest.raises(RefusedError):
        rollback(Environment(project=place.project, name="x"), first.release, user=owner, who="x", reason="")


def test_a_release_goes_by_hand_only_where_its_plan_knows_the_way_and_once_at_a_time(release, end, commits, owner):
    first = end(of(release(), "staging"))
    unknown = of(release(environment_plan("other", branch="main", applies=True), commit="b" * 40), "other").release
    Environment.objects.update(retired=False)
    first.environment.refresh_from_db()
    with pytest.raises(RefusedError, match="does not know"):
        request_by_hand(first.environment, unknown, user=owner, who="x")
    with commits():
        again = request_by_hand(first.environment, first.release, user=owner, who=owner.email)
    with pytest.raises(RefusedError, match="already"):
        request_by_hand(first.environment, first.release, user=owner, who=owner.email)
    end(again)
    first.refresh_from_db()
    assert (again.status, first.status) == ("live", "superseded")


def test_the_change_of_a_rollback_is_told_before(release, end):
    builds = [release(commit=letter * 40, message=f"Change {letter}") for letter in "abc"]
    for build in builds:
        end(of(build, "staging"))
    live, oldest = of(builds[2], "staging"), of(builds[0], "staging").release
    told = change(live.environment, oldest)
    assert (told.live, told.is_forward) == (live.release, False)
    assert [each.build.message for each in told.releases] == ["Change c", "Change b"]
    assert candidates(live.environment)[0] == oldest


def test_what_waits_is_cancelled_at_once(release, commits):
    running, waiting = of(release(), "staging"), of(release(commit="b" * 40), "staging")
    with commits():
        assert cancel(waiting, who="ada@example.com")
        assert not cancel(waiting, who="ada@example.com")
    waiting.refresh_from_db()
    running.refresh_from_db()
    assert (waiting.status, running.status) == ("cancelled", "rolling_out")


def test_a_deployment_is_cancelled_when_its_job_is(release, commits):
    deployment = of(release(), "staging")
    with commits():
        assert cancel(deployment, who="ada@example.com", reason="wrong day")
    deployment.refresh_from_db()
    assert (deployment.status, deployment.reason) == ("cancelled", "wrong day")


def test_a_running_one_is_asked_to_stop_and_its_end_decides(release, end, commits):
    deployment = of(release(), "staging")
    move_job(deployment.job_id, Status.RUNNING)
    with commits():
        assert cancel(deployment, who="ada@example.com")
    deployment.refresh_from_db()
    assert deployment.status == "rolling_out"
    assert deployment.job.cancel_requested_at is not None
    with commits():
        move_job(deployment.job_id, Status.PASSED)
    deployment.refresh_from_db()
    assert deployment.status == "live", "it was faster than the person"


def test_environments_follow_the_default_branch(release, place):
    release()
    assert (place("production").after, place("staging").branch, place("staging").position) == ("staging", "main", 0)
    release(PRODUCTION, commit="b" * 40)
    assert place("staging").retired
    assert (place("production").retired, place("production").position) == (False, 0)
    release(STAGING, PRODUCTION, commit="c" * 40)
    assert not place("staging").retired


def test_a_retired_environment_lets_go_of_what_waits_and_ends_what_runs(release, end, commits, owner):
    running, waiting = of(release(), "staging"), of(release(commit="b" * 40), "staging")
    release(environment_plan("other", branch="main", applies=True), commit="c" * 40)
    waiting.refresh_from_db()
    assert waiting.status == "cancelled"
    assert end(running).status == "live"
    running.environment.refresh_from_db()
    with pytest.raises(RefusedError, match="no longer"):
        request_by_hand(running.environment, running.release, user=owner, who="x")


def test_another_branch_adds_only_what_it_deploys_to_and_retires_nothing(release, place):
    release()
    topic = {"branch": "develop", "ref": "refs/heads/develop"}
    release(
        environment_plan("dev", branch="develop", applies=True),
        environment_plan("staging", branch="evil", applies=False),
        **topic,
    )
    assert (place("dev").source, place("staging").branch, place("staging").retired) == ("develop", "main", False)
    release(environment_plan("dev2", branch="develop", applies=True), **topic)
    assert place("dev").retired
    assert not place("production").retired


def test_an_older_configuration_does_not_come_back(release, make_build, place, commits):
    old = make_build(plan=release().plan, status=Status.RUNNING)
    release(STAGING, commit="b" * 40)
    old.planned_at = old.created_at
    old.save()
    with commits():
        move_build(old.pk, Status.FAILED)
    assert place("production").retired


def test_the_clock_finds_what_a_lost_signal_left(release, make_build, end):
    plan = release().plan
    end(of(Release.objects.get().build, "staging"))
    forgotten = make_build(plan=plan, commit="b" * 40)
    move_build(forgotten.pk, Status.RUNNING)
    move_build(forgotten.pk, Status.PASSED)  # nobody hears of it
    sweep()
    staging = of(forgotten, "staging")
    assert staging.status == "rolling_out"
    move_job(staging.job_id, Status.RUNNING)
    move_job(staging.job_id, Status.PASSED)
    sweep()
    staging.refresh_from_db()
    assert staging.status == "live"
    assert sweep() == 0


def test_one_projects_broken_row_stops_nobody_elses_sweep(release, make_build, caplog):
    plan = release().plan
    broken = make_build(plan={"deployments": [{"applies": True, "nonsense": 1}]})
    fine = make_build(plan=plan, commit="b" * 40)
    for build in (broken, fine):
        build.finished_at, build.status = build.created_at, Status.PASSED
        build.save()
    sweep()
    assert Release.objects.filter(build=fine).exists()
    assert not Release.objects.filter(build=broken).exists()


def test_a_project_goes_with_its_releases_but_a_released_build_stays(release, end):
    build = release()
    end(of(build, "staging"))
    with pytest.raises(RestrictedError):
        build.delete()
    build.project.delete()
    assert not Release.objects.exists()

"""Canary, pause, stop, and the way back: stage after stage, each job made once."""

from datetime import UTC, datetime

import pytest
import time_machine

from builds.models import Job
from builds.pipeline.delivery import Gates, Rollback, Rollout
from builds.pipeline.windows import read_window
from builds.states import Status
from deployments.models import Deployment, Environment, Stage
from deployments.services import stages
from deployments.services.advance import advance
from deployments.services.cancel import cancel
from deployments.services.gates_of import gates_to_json
from deployments.services.pause import go_on, pause
from deployments.services.request import RefusedError, request_by_hand
from deployments.services.resolve import resolve
from deployments.services.rollback import rollback
from deployments.services.settle import settle
from deployments.services.sweep import sweep
from tests.deployments.conftest import deployment_jobs, environment_plan, of, steps

pytestmark = pytest.mark.django_db

AUTOMATIC = Rollback(automatic=True)
CANARY = environment_plan(
    "staging", branch="main", applies=True, rollout=Rollout(percents=(1.0, 10.0, 50.0), rollback=AUTOMATIC)
)
WHOLE = environment_plan("staging", branch="main", applies=True, rollout=Rollout(rollback=AUTOMATIC))


@pytest.fixture
def live(release, end):
    """A release that is live in staging; returns its deployment. The next build is another commit's."""

    def live(plan=CANARY) -> Deployment:
        deployment = of(release(plan), "staging")
        while deployment.status != "live":
            end(deployment)
        return deployment

    return live


def shares(deployment: Deployment) -> list[tuple[str, float, str]]:
    """Kind, share, and what the job of each stage was told of it."""
    return [(each.kind, each.percent, each.job.variables["CI_ROLLOUT_PERCENT"]) for each in deployment.stages.all()]


def test_a_canary_goes_share_by_share_and_is_live_when_all_have_it(release, end):
    deployment = of(release(CANARY), "staging")
    for count in (1, 2, 3):
        assert deployment.stages.count() == count
        assert end(deployment).status == "rolling_out"
    assert end(deployment).status == "live"
    assert shares(deployment) == [
        ("rollout", 1.0, "1"),
        ("rollout", 10.0, "10"),
        ("rollout", 50.0, "50"),
        ("rollout", 100.0, "100"),
    ]
    assert [stage.passed for stage in deployment.stages.all()] == [True] * 4
    assert deployment.previous is None


def test_a_share_that_fails_brings_the_release_before_back(release, end, live):
    before = live()
    bad = of(release(CANARY, commit="b" * 40), "staging")
    end(bad, began=True)
    assert end(bad, Status.FAILED, reason="deploy exited 1", began=True).status == "rolling_back"
    back = bad.stages.last()
    assert (back.kind, back.release, back.job.build) == ("rollback", before.release, before.release.build)
    told = back.job.variables
    assert (told["CI_ROLLBACK"], told["CI_RELEASE"], told["CI_PREVIOUS_RELEASE"]) == ("true", "1", "2")
    assert told["CI_PREVIOUS_COMMIT_ID"] == "b" * 40
    assert end(bad).status == "rolled_back"
    assert bad.reason == "deploy exited 1"
    before.refresh_from_db()
    assert before.status == "live"


def test_what_is_brought_back_runs_its_own_way_back(release, end, live):
    plan = environment_plan(
        "staging",
        branch="main",
        applies=True,
        rollout=Rollout(rollback=Rollback(automatic=True, pipeline=steps("./back"))),
    )
    live(plan)
    bad = of(release(WHOLE, commit="b" * 40), "staging")
    end(bad, Status.FAILED, began=True)
    assert bad.stages.last().job.spec["steps"][0]["script"] == "./back"


def test_without_a_release_before_there_is_no_way_back(release, end):
    bad = end(of(release(WHOLE), "staging"), Status.FAILED, reason="deploy exited 1", began=True)
    assert (bad.status, bad.reason) == ("failed", "deploy exited 1. There is no release before it to go back to.")


def test_what_never_began_is_not_taken_back(release, end, live):
    live(WHOLE)
    bad = end(of(release(WHOLE, commit="b" * 40), "staging"), Status.ERRORED, failure="checkout", reason="no commit")
    assert (bad.status, bad.stages.count()) == ("failed", 1)


def test_it_is_taken_back_by_itself_only_where_the_plan_says_so(release, end, live):
    live()
    manual = environment_plan("staging", branch="main", applies=True)
    bad = end(of(release(manual, commit="b" * 40), "staging"), Status.FAILED, reason="exit 1", began=True)
    assert (bad.status, bad.reason) == ("failed", "exit 1")


def test_what_cannot_be_taken_back_stays_and_says_so(release, end, live):
    live(WHOLE)
    bad = of(release(WHOLE, commit="b" * 40), "staging")
    type(bad.release).objects.filter(pk=bad.release_id).update(irreversible="migrations/7.sql was changed")
    end(bad, Status.FAILED, reason="exit 1", began=True)
    assert bad.status == "failed"
    assert bad.reason == "exit 1. release 2 cannot be taken back: migrations/7.sql was changed."


def test_a_way_back_that_fails_says_both(release, end, live):
    live(WHOLE)
    bad = of(release(WHOLE, commit="b" * 40), "staging")
    end(bad, Status.FAILED, reason="exit 1", began=True)
    end(bad, Status.FAILED, reason="exit 2", began=True)
    assert bad.status == "failed"
    assert bad.reason == "It was to be taken back (exit 1), and that failed too: exit 2"
    assert bad.stages.count() == 2, "it is not tried again by itself"


def test_a_runner_lost_on_the_way_back_leaves_it_to_a_person(release, end, live, commits):
    before = live(WHOLE)
    for went_live, state in ((True, "rolled_back"), (False, "failed")):
        bad = of(release(WHOLE, commit="b" * 40), "staging")
        end(bad, Status.FAILED, began=True)
        assert end(bad, Status.ERRORED, failure="runner_lost").status == "unknown"
        with commits():
            sweep()
            assert resolve(bad, went_live=went_live, who="ada@example.com")
        bad.refresh_from_db()
        before.refresh_from_db()
        assert (bad.status, before.status) == (state, "live")


@pytest.mark.parametrize(("went_live", "state", "count"), [(True, "rolling_out", 3), (False, "rolling_back", 3)])
def test_a_share_that_nobody_knows_of_goes_on_or_back_as_a_person_says(
    release, end, live, commits, went_live, state, count
):
    live()
    lost = of(release(CANARY, commit="b" * 40), "staging")
    end(lost, began=True)
    end(lost, Status.ERRORED, failure="runner_lost", began=True)
    with commits():
        assert not advance(lost.environment_id)
        assert not settle(lost.job_id)
        resolve(lost, went_live=went_live, who="ada@example.com")
    lost.refresh_from_db()
    assert (lost.status, lost.stages.count()) == (state, count)


def test_paused_it_begins_no_further_share_until_it_goes_on(release, end, commits):
    deployment = of(release(CANARY), "staging")
    with commits():
        assert pause(deployment, who="ada@example.com")
        assert not pause(deployment, who="bob@example.com")
    assert end(deployment).status == "rolling_out"
    with commits():
        sweep()
    assert deployment.stages.count() == 1
    with commits():
        assert go_on(deployment, who="ada@example.com")
        assert not go_on(deployment, who="bob@example.com")
    assert deployment.stages.count() == 2
    assert [move.reason for move in deployment.moves.all()][-2:] == ["Paused", "Goes on"]


def test_what_has_ended_is_neither_paused_nor_let_go_on(live):
    deployment = live()
    assert not pause(deployment, who="ada@example.com")
    assert not go_on(deployment, who="ada@example.com")


def test_stopped_on_its_way_it_is_taken_back(release, end, live, commits):
    before = live()
    deployment = of(release(CANARY, commit="b" * 40), "staging")
    end(deployment, began=True)
    with commits():
        assert cancel(deployment, who="ada@example.com", reason="too slow")
    deployment.refresh_from_db()
    assert (deployment.status, deployment.reason) == ("rolling_back", "too slow")
    assert end(deployment).status == "rolled_back"
    before.refresh_from_db()
    assert before.status == "live"


def test_stopped_too_late_for_its_steps_it_still_goes_no_further(release, end, live, commits):
    live()
    deployment = of(release(CANARY, commit="b" * 40), "staging")
    Job.objects.filter(pk=deployment.job_id).update(status="running")
    with commits():
        assert cancel(deployment, who="ada@example.com")
    Job.objects.filter(pk=deployment.job_id).update(status="queued")
    assert end(deployment, began=True).status == "rolling_back"


def test_stopped_where_there_is_no_way_back_it_says_what_stays(release, end, commits):
    deployment = of(release(CANARY), "staging")
    end(deployment, began=True)
    with commits():
        cancel(deployment, who="ada@example.com", reason="too slow.")
    deployment.refresh_from_db()
    assert deployment.status == "cancelled"
    assert deployment.reason == "too slow. What is out stays out: There is no release before it to go back to."


def test_back_to_what_is_live_takes_the_rollout_back(release, end, live, commits, owner):
    before = live()
    deployment = of(release(CANARY, commit="b" * 40), "staging")
    end(deployment, began=True)
    with commits():
        told = rollback(before.environment, before.release, user=owner, who=owner.email, reason="500s")
    assert told == deployment
    told.refresh_from_db()
    assert (told.status, told.turning_back) == ("rolling_back", "Rolled back to release 1: 500s")
    with pytest.raises(RefusedError, match="is what is live"), commits():
        rollback(before.environment, before.release, user=owner, who=owner.email, reason="again")
    assert end(deployment).status == "rolled_back"


def test_back_to_an_older_release_ends_the_rollout_and_goes_next(release, end, live, commits, owner):
    oldest = live()
    second = of(release(CANARY, commit="b" * 40), "staging")
    while second.status != "live":
        end(second, began=True)
    third = of(release(CANARY, commit="c" * 40), "staging")
    end(third, began=True)
    with commits():
        back = rollback(oldest.environment, oldest.release, user=owner, who=owner.email, reason="500s")
    third.refresh_from_db()
    back.refresh_from_db()
    assert (third.status, back.status) == ("cancelled", "rolling_out")
    assert "Rolled back to release 1: 500s" in third.reason
    assert shares(back) == [("rollout", 100.0, "100")], "what is brought back is brought back whole"
    assert end(back).status == "live"


def test_an_ended_stage_is_not_passed_or_failed_once_more(release, end, commits):
    deployment = of(release(CANARY), "staging")
    end(deployment)
    first = deployment.stages.first()
    jobs = deployment_jobs()
    with commits():
        assert not stages.passed(first.pk)
        assert not stages.failed(first.pk, "late")
        assert not stages.passed(0)
    assert deployment_jobs() == jobs
    first.refresh_from_db()
    assert first.passed


def test_an_environment_that_goes_in_mid_flight_takes_its_deployment_along(release, end, live):
    live()
    deployment = of(release(CANARY, commit="b" * 40), "staging")
    job = deployment.job_id
    deployment.environment.delete()
    assert not settle(job)
    assert not Stage.objects.exists()
    assert sweep() == 0


def test_a_branch_cannot_let_itself_into_an_environment(release, end, commits, owner):
    fine = end(of(release(), "staging"))
    mine = environment_plan("staging", branch="topic", applies=True, gates=Gates())
    build = release(mine, branch="topic", ref="refs/heads/topic", commit="b" * 40)
    assert not Deployment.objects.filter(release__build=build).exists()
    with pytest.raises(RefusedError, match="takes releases of main only, not of topic"):
        request_by_hand(fine.environment, build.release, user=owner, who=owner.email)
    production = environment_plan("production", after="staging", applies=True)
    other = release(production, branch="topic", ref="refs/heads/topic", commit="c" * 40)
    assert not Deployment.objects.filter(release__build=other).exists()


def test_where_releases_queue_each_goes_in_its_turn(release, end):
    plan = environment_plan("staging", branch="main", applies=True, gates=Gates(branches=("main",), queue=True))
    builds = [release(plan, commit=letter * 40) for letter in "abc"]
    for number in range(3):
        states = [of(build, "staging").status for build in builds]
        assert states[number:] == ["rolling_out", *["requested"] * (2 - number)]
        end(of(builds[number], "staging"))
    assert of(builds[2], "staging").status == "live"


def test_a_name_that_another_branch_has_given_up_is_not_free_for_the_taking(release, place):
    """Its secrets go by its name."""
    release()
    release(environment_plan("other", branch="main", applies=True), commit="b" * 40)
    assert place("staging").retired
    mine = environment_plan("staging", branch="topic", applies=True)
    taken = release(mine, branch="topic", ref="refs/heads/topic", commit="c" * 40)
    assert (place("staging").retired, place("staging").source) == (True, "main")
    assert not Deployment.objects.filter(release__build=taken).exists()


def test_what_is_held_is_asked_again_though_the_news_of_an_open_gate_was_lost(release, commits):
    window = (read_window("Sat-Sun"), read_window("Mon-Fri 23:58-23:59"))
    held = environment_plan("staging", branch="main", applies=True, gates=Gates(branches=("main",), windows=window))
    with time_machine.travel(datetime(2026, 11, 24, 12, tzinfo=UTC), tick=False):
        deployment = of(release(held), "staging")
        assert deployment.status == "held"
        Environment.objects.update(gates=gates_to_json(Gates(branches=("main",))))
        with commits():
            sweep()
    deployment.refresh_from_db()
    assert deployment.status == "rolling_out"

"""A stage is looked at until it is right, and for as long as it bakes; all that is known is in its rows."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from builds.models import Job
from builds.pipeline.delivery import Probe, Rollback, Rollout
from builds.services.move import move_job
from builds.states import Status
from deployments.models import Deployment, Stage
from deployments.services.cancel import cancel
from deployments.services.check_again import check_again
from deployments.services.look import look
from deployments.services.pause import go_on, pause
from deployments.services.rollback import rollback
from tests.deployments.conftest import PRODUCTION, environment_plan, of, steps
from tests.deployments.sites import site

pytestmark = pytest.mark.django_db

BODY = "release $CI_RELEASE is"


@pytest.fixture
def here(settings):
    """The site that the releases are seen at."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with site() as here:
        yield here


@pytest.fixture
def clock():
    """The time, in the test's hand: `clock.shift(seconds)`."""
    with time_machine.travel(datetime(2027, 3, 1, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


@pytest.fixture
def deployed(release, end, here):
    """Has a release go to staging, looked at as `rollout` says, until the steps of its first stage have passed."""

    def deployed(commit="a" * 40, then=(), **rollout) -> Deployment:
        rollout = {"probes": (probe(here),), **rollout}
        plan = environment_plan("staging", branch="main", applies=True, rollout=Rollout(**rollout))
        return end(of(release(plan, *then, commit=commit), "staging"), began=True)

    return deployed


@pytest.fixture
def seen(commits):
    """Looks at the newest stage, with all that follows from it; the deployment as it is then."""

    def seen(deployment: Deployment) -> Deployment:
        with commits():
            look(stage(deployment).pk)
        deployment.refresh_from_db()
        return deployment

    return seen


@pytest.fixture
def checked(commits):
    """Has a runner take the checks of the newest stage and end them so."""

    def checked(deployment: Deployment, to: Status = Status.PASSED, reason: str = "") -> None:
        job = stage(deployment).check_job_id
        with commits():
            move_job(job, Status.RUNNING, fields={"owner": "runner-1", "epoch": 1})
            move_job(job, to, reason=reason)

    return checked


def probe(here, **fields) -> Probe:
    return Probe(**{"url": here.url, "within_seconds": 60, "every_seconds": 5, **fields})


def stage(deployment: Deployment) -> Stage:
    """The one that it is in."""
    return deployment.stages.latest("number")


def row(deployment: Deployment, position: int = 0):
    return stage(deployment).probes.get(position=position)


def test_it_is_live_when_its_address_is_right_and_not_before(deployed, seen, clock, here):
    here.say(200, b"release 1 is here")
    deployment = deployed(probes=(probe(here, url=f"{here.url}$CI_ENVIRONMENT", body=BODY),), then=(PRODUCTION,))
    assert (deployment.status, here.asked) == ("verifying", [])
    assert seen(deployment).status == "live"
    assert here.asked == ["GET /staging"]
    told = row(deployment)
    assert (told.is_right, told.was_right, told.tries, told.status, told.reason) == (True, True, 1, 200, "")
    assert told.url == f"{here.url}staging"
    ended = stage(deployment)
    assert (ended.passed, ended.right_at, ended.bakes_until, ended.look_at) == (True, timezone.now(), None, None)
    assert Deployment.objects.get(environment__name="production").status == "rolling_out", "and it is promoted"
    seen(deployment)
    assert len(here.asked) == 1, "nobody looks at what has ended"


def test_without_anything_to_look_at_it_is_live_at_once(deployed, here):
    assert deployed(probes=()).status == "live"


def test_it_is_opened_again_until_it_is_right(deployed, seen, clock, here):
    here.say(503, b"<b>starting</b>\0")
    deployment = deployed()
    assert seen(deployment).status == "verifying"
    wrong = row(deployment)
    assert (wrong.is_right, wrong.was_right, wrong.status, wrong.failures) == (False, False, 503, 1)
    assert (wrong.reason, wrong.answer) == ("answered 503 instead of 2xx", "<b>starting</b>")
    here.say(200)
    clock.shift(4)
    assert seen(deployment).status == "verifying", "not before its time"
    assert len(here.asked) == 1
    clock.shift(1)
    assert seen(deployment).status == "live"
    right = row(deployment)
    assert (right.is_right, right.failures, right.tries, right.reason, right.answer) == (True, 0, 2, "", "")


def test_what_is_not_right_in_time_has_failed_and_the_answer_stays(deployed, seen, clock, here):
    here.say(500, b"Traceback")
    deployment = deployed(rollback=Rollback())
    seen(deployment)
    clock.shift(58)
    seen(deployment)
    assert deployment.status == "verifying"
    assert stage(deployment).look_at == timezone.now() + timedelta(seconds=2), "a last time at the end"
    clock.shift(2)
    assert seen(deployment).status == "failed"
    assert deployment.reason == f"{here.url} was not right within 1 min: it answered 500 instead of 2xx"
    assert (stage(deployment).passed, row(deployment).answer) == (False, "Traceback")


def test_where_nobody_looked_in_time_it_is_opened_before_it_is_judged(deployed, seen, clock, here):
    deployment = deployed()
    clock.shift(7200)
    assert seen(deployment).status == "live"


def test_a_bad_release_is_taken_back_and_what_came_back_is_looked_at(deployed, seen, end, clock, here):
    looked_at = {"probes": (probe(here, body=BODY),), "rollback": Rollback(automatic=True), "bake_seconds": 600}
    first = deployed(**looked_at)
    seen(first)
    clock.shift(600)
    assert seen(first).status == "live"

    bad = deployed(commit="b" * 40, **looked_at)
    seen(bad)
    clock.shift(60)
    assert seen(bad).status == "rolling_back"
    assert bad.turning_back == f"{here.url} was not right within 1 min: it does not hold “release 2 is”"
    here.say(200, b"release 2 is broken")
    assert end(bad).status == "rolling_back"
    assert seen(bad).status == "rolling_back", "the release before has to be seen"
    here.say(200, b"release 1 is back")
    clock.shift(5)
    assert seen(bad).status == "rolled_back", "and does not bake"
    first.refresh_from_db()
    assert first.status == "live"


def test_a_way_back_that_is_not_right_is_said_loudly(deployed, seen, end, clock, here):
    looked_at = {"probes": (probe(here, body=BODY),), "rollback": Rollback(automatic=True)}
    seen(deployed(**looked_at))
    bad = deployed(commit="b" * 40, **looked_at)
    here.say(200, b"nothing")
    seen(bad)
    clock.shift(60)
    seen(bad)
    end(bad)
    seen(bad)
    clock.shift(60)
    assert seen(bad).status == "failed"
    assert "that failed too" in bad.reason


def test_what_a_person_brings_back_is_looked_at_with_its_own_plan_and_does_not_bake(
    deployed, seen, end, commits, clock, here, owner
):
    first = deployed(bake_seconds=600, percents=(10.0,))
    for _ in range(2):
        seen(first)
        clock.shift(600)
        seen(first)
        if first.status != "live":
            end(first)
    assert first.status == "live"
    second = seen(deployed(commit="b" * 40, probes=(probe(here, expect=("200",)),)))
    assert second.status == "live"
    with commits():
        back = rollback(second.environment, first.release, user=owner, who=owner.email, reason="slow")
    assert end(back).status == "verifying"
    assert seen(back).status == "live"
    assert back.stages.count() == 1


def test_all_addresses_have_to_be_right_each_in_its_own_time(deployed, seen, clock, here):
    with site() as other:
        other.say(503)
        deployment = deployed(probes=(probe(here), probe(other, within_seconds=600, every_seconds=30)))
        seen(deployment)
        clock.shift(25)
        seen(deployment)
        assert (len(here.asked), len(other.asked)) == (1, 1), "what is right waits for the others"
        clock.shift(5)
        seen(deployment)
        assert (deployment.status, len(here.asked), len(other.asked)) == ("verifying", 1, 2)
        other.say(200)
        clock.shift(30)
        assert seen(deployment).status == "live"


def test_an_address_is_tried_a_last_time_though_another_hung_over_its_end(deployed, seen, clock, here):
    with site() as other:
        here.say(503)
        other.say(503)
        deployment = deployed(probes=(probe(here, every_seconds=50), probe(other, within_seconds=600)))
        seen(deployment)
        clock.shift(54)
        seen(deployment)
        clock.shift(5)
        other.meanwhile = lambda: clock.shift(2)
        assert seen(deployment).status == "verifying", "its time is over, but it was not tried at the end"
        assert (len(here.asked), len(other.asked)) == (2, 3)
        other.meanwhile = lambda: None
        here.say(200)
        other.say(200)
        clock.shift(1)
        assert (seen(deployment).status, row(deployment).is_right) == ("verifying", True)
        clock.shift(5)
        assert seen(deployment).status == "live"


def test_while_it_bakes_it_has_to_stay_right(deployed, seen, clock, here):
    deployment = deployed(bake_seconds=20, probes=(probe(here, failures=2),))
    seen(deployment)
    begun = stage(deployment)
    assert (begun.right_at, begun.bakes_until) == (timezone.now(), timezone.now() + timedelta(seconds=20))
    for status, failures in ((500, 1), (200, 0), (500, 1)):
        here.say(status, b"oh")
        clock.shift(5)
        assert seen(deployment).status == "verifying"
        assert row(deployment).failures == failures
    here.say(500, b"no more")
    clock.shift(5)
    assert seen(deployment).status == "failed"
    assert deployment.reason.startswith(f"{here.url} answered 500 instead of 2xx, the last of 2 times in a row")
    assert row(deployment).answer == "no more"


def test_it_is_live_at_the_end_of_the_bake(deployed, seen, clock, here):
    deployment = deployed(bake_seconds=12)
    seen(deployment)
    for _ in range(2):
        clock.shift(5)
        assert seen(deployment).status == "verifying"
    assert stage(deployment).look_at == timezone.now() + timedelta(seconds=2)
    clock.shift(2)
    assert seen(deployment).status == "live"
    assert len(here.asked) == 3


def test_a_bake_does_not_end_on_a_wrong_answer(deployed, seen, clock, here):
    deployment = deployed(bake_seconds=10, probes=(probe(here, failures=3),))
    seen(deployment)
    here.say(500)
    clock.shift(10)
    assert seen(deployment).status == "verifying"
    here.say(200)
    clock.shift(5)
    assert seen(deployment).status == "live"


def test_a_bake_in_which_nobody_looked_ends_with_a_look(deployed, seen, clock, here):
    deployment = deployed(bake_seconds=10)
    seen(deployment)
    here.say(500)
    clock.shift(3600)
    assert seen(deployment).status == "failed"


def test_a_release_can_bake_without_an_address(deployed, seen, clock, here):
    deployment = deployed(probes=(), bake_seconds=600)
    assert seen(deployment).status == "verifying"
    clock.shift(599)
    assert seen(deployment).status == "verifying"
    clock.shift(1)
    assert seen(deployment).status == "live"


def test_each_share_of_a_canary_is_looked_at(deployed, seen, end, clock, here):
    deployment = deployed(percents=(10.0, 50.0))
    for share in (10, 50):
        assert (stage(deployment).percent, deployment.status) == (share, "verifying")
        assert seen(deployment).status == "rolling_out"
        end(deployment)
    assert seen(deployment).status == "live"
    assert [each.probes.count() for each in deployment.stages.all()] == [1, 1, 1]


def test_the_commands_run_beside_the_addresses_with_what_the_steps_were_told(deployed, seen, checked, here, clock):
    deployment = deployed(checks=steps("./smoke"), percents=(10.0,))
    job = stage(deployment).check_job
    assert (job.kind, job.max_attempts, job.build) == ("check", 3, deployment.release.build)
    assert job.variables == stage(deployment).job.variables
    assert job.variables["CI_ROLLOUT_PERCENT"] == "10"
    assert job.spec["steps"][0]["script"] == "./smoke"
    assert seen(deployment).status == "verifying"
    checked(deployment)
    assert seen(deployment).status == "rolling_out", "as soon as they have ended"
    assert len(here.asked) == 1


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (Status.FAILED, "Its checks failed: smoke exited 1"),
        (Status.ERRORED, "Its checks could not be run: smoke exited 1"),
        (Status.CANCELLED, "Its checks were stopped: smoke exited 1"),
    ],
)
def test_commands_that_do_not_pass_fail_it(deployed, seen, checked, clock, here, to, said):
    deployment = deployed(checks=steps("./smoke"))
    checked(deployment, to, "smoke exited 1")
    assert seen(deployment).status == "failed"
    assert deployment.reason == said


def test_commands_that_are_all_left_out_have_nothing_against_it(deployed, seen, checked, clock, here):
    deployment = deployed(checks=steps("./smoke"))
    checked(deployment, Status.SKIPPED)
    assert seen(deployment).status == "live"


def test_news_of_the_commands_that_is_lost_is_not_waited_for(deployed, seen, clock, here):
    deployment = deployed(checks=steps("./smoke"))
    seen(deployment)
    move_job(stage(deployment).check_job_id, Status.RUNNING)
    move_job(stage(deployment).check_job_id, Status.PASSED)  # nothing follows: nobody was told
    clock.shift(15)
    assert seen(deployment).status == "live"


def test_the_commands_run_once_more_when_it_has_baked(deployed, seen, checked, clock, here):
    deployment = deployed(checks=steps("./smoke"), bake_seconds=60)
    first = stage(deployment).check_job_id
    checked(deployment)
    seen(deployment)
    clock.shift(60)
    assert seen(deployment).status == "verifying"
    again = stage(deployment).check_job_id
    assert again != first
    clock.shift(5)
    seen(deployment)
    assert stage(deployment).check_job_id == again, "once"
    checked(deployment, Status.FAILED, "smoke exited 1")
    assert seen(deployment).status == "failed"
    assert Job.objects.filter(kind="check").count() == 2


def test_an_address_that_fails_stops_the_commands(deployed, seen, clock, here):
    here.say(500)
    deployment = deployed(checks=steps("./smoke"))
    seen(deployment)
    clock.shift(60)
    assert seen(deployment).status == "failed"
    assert stage(deployment).check_job.status == "cancelled"


def test_a_paused_one_is_looked_at_on_and_passes_no_stage_on(deployed, seen, commits, clock, here, owner):
    deployment = deployed(percents=(10.0,))
    with commits():
        assert pause(deployment, who=owner.email)
    for _ in range(3):
        assert seen(deployment).status == "verifying"
        clock.shift(5)
    assert (len(here.asked), deployment.stages.count()) == (3, 1)
    with commits():
        assert go_on(deployment, who=owner.email)
    deployment.refresh_from_db()
    assert (deployment.status, deployment.stages.count()) == ("rolling_out", 2)


def test_a_paused_one_still_fails(deployed, seen, commits, clock, here, owner):
    deployment = deployed(percents=(10.0,))
    with commits():
        pause(deployment, who=owner.email)
    seen(deployment)
    here.say(500)
    clock.shift(5)
    assert seen(deployment).status == "failed"


def test_a_stopped_one_is_looked_at_no_more(deployed, seen, commits, clock, here, owner):
    deployment = deployed()
    with commits():
        assert cancel(deployment, who=owner.email)
    seen(deployment)
    assert (deployment.status, here.asked) == ("cancelled", [])


def test_whoever_is_killed_while_he_looks_holds_it_up_for_his_lease_alone(deployed, seen, clock, here):
    deployment = deployed()
    # As the row stands after a kill -9 in the middle of a look.
    Stage.objects.filter(deployment=deployment).update(look_at=timezone.now() + timedelta(seconds=25))
    clock.shift(24)
    assert seen(deployment).status == "verifying"
    clock.shift(1)
    assert seen(deployment).status == "live"


def test_what_is_seen_of_an_unknown_one_moves_nothing(release, end, seen, commits, clock, here):
    rollout = Rollout(probes=(probe(here),), checks=steps("./smoke"))
    build = release(environment_plan("staging", branch="main", applies=True, rollout=rollout))
    lost = end(of(build, "staging"), Status.ERRORED, failure="runner_lost", reason="The runner was lost.")
    assert lost.status == "unknown"
    first = stage(lost).check_job
    assert (first.kind, first.spec["steps"][0]["script"]) == ("check", "./smoke"), "it is looked at once by itself"
    seen(lost)
    assert (lost.status, row(lost).is_right, stage(lost).look_at) == ("unknown", True, None)
    assert not check_again(lost, who="ann@example.com"), "it is being looked at"
    with commits():
        move_job(first.pk, Status.RUNNING)
        move_job(first.pk, Status.FAILED)
    seen(lost)
    assert (lost.status, len(here.asked)) == ("unknown", 1)

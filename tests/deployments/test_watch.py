"""What is live is looked at for good: good, bad, and told; nothing is taken back by it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from builds.pipeline.delivery import Gates, Probe, Rollout, Watch
from deployments.models import Deployment, Environment, HealthMove, ProbeResult
from deployments.services import watch
from deployments.services.gates_of import gates_to_json
from deployments.services.look import look as look_at_stage
from deployments.services.turns import EARLY
from deployments.signals import environment_changed, health_moved
from tests.deployments.conftest import environment_plan, of
from tests.deployments.sites import site

pytestmark = pytest.mark.django_db

EVERY_MINUTE = Gates(branches=("main",), watch=Watch(every_seconds=60, failures=2))


@pytest.fixture
def here(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with site() as here:
        yield here


@pytest.fixture
def clock():
    with time_machine.travel(datetime(2027, 3, 1, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


@pytest.fixture
def told():
    """The moves of health that were told, as (went_to, reason)."""
    told = []

    def hear(move_id, **_):
        move = HealthMove.objects.get(pk=move_id)
        told.append((move.went_to, move.release.number, move.reason))

    health_moved.connect(hear)
    yield told
    health_moved.disconnect(hear)


@pytest.fixture
def live(release, end, commits, here):
    """A release that is live in a watched environment, and was verified."""

    def live(*, gates=EVERY_MINUTE, commit="a" * 40, **fields) -> Deployment:
        probes = (Probe(**{"url": here.url, **fields}),)
        plan = environment_plan("staging", branch="main", applies=True, gates=gates, rollout=Rollout(probes=probes))
        deployment = end(of(release(plan, commit=commit), "staging"))
        with commits():
            look_at_stage(deployment.stages.latest("number").pk)
        deployment.refresh_from_db()
        assert deployment.status == "live"
        here.asked.clear()
        return deployment

    return live


@pytest.fixture
def seen(commits):
    """Looks at the environment; as it is then."""

    def seen(environment: Environment) -> Environment:
        with commits():
            watch.look(environment.pk)
        environment.refresh_from_db()
        return environment

    return seen


def test_what_went_live_is_looked_at_from_then_on(live, seen, clock, here, told):
    place = live().environment
    assert seen(place).health == "good"
    assert (place.health_since, place.look_at) == (timezone.now(), timezone.now() + timedelta(seconds=60) - EARLY)
    assert place.probes.get().was_right
    clock.shift(59)
    seen(place)
    assert len(here.asked) == 1
    clock.shift(1)
    seen(place)
    assert len(here.asked) == 2
    assert told == [], "that it is good from the beginning is no news"


def test_it_is_bad_after_so_many_wrong_answers_in_a_row_and_nothing_is_taken_back(live, seen, clock, here, told):
    deployment = live()
    place = seen(deployment.environment)
    for status in (500, 200, 500):
        here.say(status, b"oh")
        clock.shift(60)
        assert seen(place).health == "good"
    clock.shift(60)
    assert seen(place).health == "bad"
    reason = f"{here.url} answered 500 instead of 2xx, 2 times in a row"
    assert (place.health_reason, place.probes.get().answer) == (reason, "oh")
    since = place.health_since
    clock.shift(60)
    assert seen(place).health_reason.endswith("3 times in a row")
    assert (place.health_since, told) == (since, [("bad", 1, reason)]), "told once"
    here.say(200)
    clock.shift(60)
    assert (seen(place).health, place.health_reason, place.health_since) == ("good", "", timezone.now())
    assert told[1:] == [("good", 1, "")]
    deployment.refresh_from_db()
    assert (deployment.status, Deployment.objects.count()) == ("live", 1)


def test_a_new_release_starts_afresh_and_is_told_of_anew(live, seen, clock, here, told):
    place = seen(live().environment)
    here.say(500)
    for _ in range(2):
        clock.shift(60)
        seen(place)
    assert place.health == "bad"
    here.say(404)
    clock.shift(60)
    live(commit="b" * 40, expect=("404",))
    assert place.probes.get().failures == 2
    here.say(500)
    assert (seen(place).health, place.probes.get().failures) == ("bad", 1), "what was seen before does not count"
    assert len(told) == 1
    clock.shift(60)
    seen(place)
    assert [(to, number) for to, number, _ in told] == [("bad", 1), ("bad", 2)]
    here.say(404)
    clock.shift(60)
    assert seen(place).health == "good"


def test_a_new_release_that_is_right_makes_it_good(live, seen, clock, here, told):
    place = seen(live().environment)
    here.say(500)
    for _ in range(2):
        clock.shift(60)
        seen(place)
    here.say(200)
    clock.shift(60)
    live(commit="b" * 40)
    assert seen(place).health == "good"
    assert [(to, number) for to, number, _ in told] == [("bad", 1), ("good", 2)]


def test_while_a_deployment_is_on_its_way_it_is_not_looked_at(live, release, seen, clock, here):
    place = seen(live().environment)
    plan = environment_plan("staging", branch="main", applies=True, gates=EVERY_MINUTE)
    assert of(release(plan, commit="b" * 40), "staging").status == "rolling_out"
    here.say(500)
    for _ in range(3):
        clock.shift(60)
        assert seen(place).health == "good"
    assert len(here.asked) == 1


def test_without_watch_or_without_addresses_nobody_looks(release, live, end, seen, clock, here):
    place = live(gates=Gates(branches=("main",))).environment
    assert (place.look_at, seen(place).health, here.asked) == (None, "", [])
    plan = environment_plan("staging", branch="main", applies=True, gates=EVERY_MINUTE)
    assert end(of(release(plan, commit="b" * 40), "staging")).status == "live"
    assert (seen(place).health, here.asked) == ("", [])
    assert place.look_at == timezone.now() + timedelta(hours=1), "and it is not asked at every turn"


@pytest.mark.parametrize("change", [{"gates": gates_to_json(Gates())}, {"retired": True}])
def test_where_it_is_watched_no_more_what_was_seen_is_forgotten(live, seen, commits, clock, here, change):
    place = seen(live().environment)
    Environment.objects.filter(pk=place.pk).update(**change)
    with commits():
        environment_changed.send(Environment, environment_id=place.pk)
    assert (seen(place).health, place.look_at, place.health_since) == ("", None, None)
    assert (ProbeResult.objects.filter(environment=place).count(), len(here.asked)) == (0, 1)


def test_how_often_counts_as_the_environment_has_it_not_as_a_release_says(live, seen, clock, here):
    place = seen(live().environment)
    Environment.objects.filter(pk=place.pk).update(gates=gates_to_json(Gates(watch=Watch(every_seconds=10))))
    clock.shift(60)
    assert seen(place).look_at == timezone.now() + timedelta(seconds=10) - EARLY

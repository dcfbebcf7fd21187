"""Several look at once, one is killed, another hangs: nothing is doubled, and nobody waits for another's address."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from builds.models import Project
from builds.pipeline.delivery import Gates, Probe, Rollout, Watch
from builds.pipeline.plan import Plan, plan_to_json
from deployments.models import Deployment, Environment, ProbeResult, Stage
from deployments.services import look, verify, watch
from deployments.services.gates_of import gates_to_json
from deployments.services.releases import make_release
from deployments.services.turns import A_PROJECT, lease, turns
from deployments.states import DeploymentStatus
from tests.deployments.conftest import environment_plan
from tests.deployments.sites import site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def loopback(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    yield
    assert turns.wait_idle(20)


@pytest.fixture
def here():
    with site() as here:
        yield here


@pytest.fixture
def verifying(make_build, organization):
    """A stage that is due, in an environment of its own."""

    def verifying(url: str, *, project: Project | None = None, status=DeploymentStatus.VERIFYING) -> Stage:
        fields = {"project": project} if project else {}
        name = f"staging-{Environment.objects.count()}"
        plan = environment_plan(name, branch="main", applies=True, rollout=Rollout(probes=(Probe(url=url),)))
        build = make_build(plan=plan_to_json(Plan(source="ciservice.yml", pipelines=(), deployments=(plan,))), **fields)
        environment = Environment.objects.create(project=build.project, name=name)
        release = make_release(build)
        deployment = Deployment.objects.create(
            environment=environment, release=release, status=status, live_at=timezone.now()
        )
        stage = Stage.objects.create(deployment=deployment, number=1, release=release)
        assert verify.begin(Stage.objects.get(pk=stage.pk))
        return stage

    return verifying


def test_two_that_look_at_once_look_once(verifying, here):
    stage, others = verifying(here.url), []

    def meanwhile():
        try:
            others.append(look.look(stage.pk))
        finally:
            connections.close_all()

    here.meanwhile = meanwhile
    assert look.look(stage.pk)
    assert (others, len(here.asked)) == ([False], 1)
    assert stage.probes.get().tries == 1


def test_of_two_that_saw_it_due_at_once_one_takes_it(verifying, here):
    stage = verifying(here.url)
    seen = Stage.objects.get(pk=stage.pk).look_at
    rows = Stage.objects.filter(pk=stage.pk)
    taken = lease(rows, seen)
    assert (lease(rows, seen), Stage.objects.get(pk=stage.pk).look_at) == (None, taken)


def test_what_a_ghost_saw_does_not_count(verifying, here):
    """His lease was over before his address answered, and another has decided meanwhile."""
    stage = verifying(here.url)

    def meanwhile():
        here.meanwhile = lambda: None
        try:
            Stage.objects.filter(pk=stage.pk).update(look_at=timezone.now() - timedelta(seconds=1))
            here.say(500, b"seen by the other")
            assert look.look(stage.pk)
            here.say(200)
        finally:
            connections.close_all()

    here.meanwhile = meanwhile
    assert not look.look(stage.pk)
    row = stage.probes.get()
    assert (row.tries, row.answer) == (1, "seen by the other")
    stage.deployment.refresh_from_db()
    assert stage.deployment.status == "verifying"


def test_what_ended_while_it_was_opened_stays_ended(verifying, here):
    stage = verifying(here.url)

    def meanwhile():
        try:
            Deployment.objects.filter(pk=stage.deployment_id).update(status=DeploymentStatus.CANCELLED)
        finally:
            connections.close_all()

    here.meanwhile = meanwhile
    look.look(stage.pk)
    stage.refresh_from_db()
    stage.deployment.refresh_from_db()
    assert (stage.deployment.status, stage.look_at) == ("cancelled", None)


def test_no_transaction_is_open_while_an_address_is(verifying, here):
    """The row that a decision locks can be written while somebody waits for an answer."""
    stage, written = verifying(here.url), []

    def meanwhile():
        try:
            written.append(Environment.objects.filter(deployments__stages=stage).update(url="https://x.org/"))
        finally:
            connections.close_all()

    here.meanwhile = meanwhile
    assert look.look(stage.pk)
    assert written == [1]


def test_the_clock_has_all_that_is_due_looked_at(verifying, here):
    stages = [verifying(here.url) for _ in range(A_PROJECT)]
    assert look.look_due() == A_PROJECT
    assert turns.wait_idle(20)
    assert {each.status for each in Deployment.objects.filter(stages__in=stages)} == {"live"}
    assert look.look_due() == 0


def test_an_address_that_hangs_holds_up_its_own_project_alone(verifying, here, organization):
    over = threading.Event()
    with site() as hanging:
        hanging.meanwhile = lambda: over.wait(20)
        try:
            stuck = [verifying(hanging.url) for _ in range(A_PROJECT + 3)]
            assert look.look_due() == A_PROJECT, "a project has its share of the threads, and no more"
            other = Project.objects.create(organization=organization, name="shop/web", repository_url="https://x.org/w")
            quick = verifying(here.url, project=other)
            assert look.look_due() == 1
            assert look.look_due() == 0, "what is being looked at is not handed over again"
            with turns._changed:
                assert turns._changed.wait_for(lambda: ("stage", quick.pk) not in turns._keys, 20)
            assert Deployment.objects.get(stages=quick).status == "live"
            assert Deployment.objects.filter(stages__in=stuck, status="verifying").count() == A_PROJECT + 3
        finally:
            over.set()
        assert turns.wait_idle(20)


def test_a_row_that_breaks_does_not_stop_the_others(verifying, here):
    broken, whole = verifying(here.url), verifying(here.url)
    build = broken.deployment.release.build
    build.plan["deployments"][0]["rollout"]["probes"][0]["url"] = {"not": "a text"}
    build.save(update_fields=["plan"])
    assert look.look_due() == A_PROJECT
    assert turns.wait_idle(20)
    assert Deployment.objects.get(stages=whole).status == "live"
    assert not ProbeResult.objects.filter(stage=broken).exists()
    assert look.look_due() == 0, "and it is not tried at every turn"


def test_twenty_slow_addresses_are_not_taken_for_dead(verifying, here):
    """The lease is as long as all of them may take, four at a time."""
    stage = verifying(here.url)
    build = stage.deployment.release.build
    rollout = build.plan["deployments"][0]["rollout"]
    rollout["probes"] = [{**rollout["probes"][0], "under_ms": 30_000}] * 20
    build.save(update_fields=["plan"])
    leases = []

    def meanwhile():
        try:
            leases.append(Stage.objects.get(pk=stage.pk).look_at - timezone.now())
        finally:
            connections.close_all()

    here.meanwhile = meanwhile
    assert look.look(stage.pk)
    assert (len(here.asked), stage.probes.count()) == (20, 20)
    assert min(leases) > timedelta(seconds=5 * 31)


@pytest.fixture
def watched(verifying, here):
    """An environment that is due, with a release that is live; one wrong answer makes it bad."""
    stage = verifying(here.url, status=DeploymentStatus.LIVE)
    environment = stage.deployment.environment
    environment.gates = gates_to_json(Gates(watch=Watch(failures=1)))
    environment.save(update_fields=["gates"])
    Stage.objects.update(look_at=None)
    return environment


def test_a_live_environment_is_looked_at_by_the_clock_though_nobody_told_it(watched):
    assert watch.look_due() == 0
    assert (watch.find_unwatched(), watch.find_unwatched()) == (1, 0)
    assert watch.look_due() == 1
    assert turns.wait_idle(20)
    watched.refresh_from_db()
    assert watched.health == "good"
    assert watched.look_at > timezone.now()
    assert watch.look_due() == 0


def test_what_was_opened_while_a_deployment_began_says_nothing_of_health(watched, here):
    watch.watch_from_now(watched.pk)
    here.say(500)

    def meanwhile():
        try:
            release = watched.deployments.get().release
            Deployment.objects.create(environment=watched, release=release, automatic=False, status="rolling_out")
        finally:
            connections.close_all()

    here.meanwhile = meanwhile
    assert watch.look(watched.pk)
    watched.refresh_from_db()
    assert (watched.health, watched.probes.count()) == ("", 0)


def test_what_a_ghost_saw_of_an_environment_does_not_count(watched, here):
    watch.watch_from_now(watched.pk)
    here.say(500)

    def meanwhile():
        here.meanwhile = lambda: None
        try:
            watch.watch_from_now(watched.pk)
        finally:
            connections.close_all()

    here.meanwhile = meanwhile
    assert not watch.look(watched.pk)
    watched.refresh_from_db()
    assert (watched.health, watched.probes.count()) == ("", 0)
    here.say(200)
    assert watch.look(watched.pk)
    watched.refresh_from_db()
    assert watched.health == "good"

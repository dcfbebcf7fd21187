"""Whatever comes in whatever order, and from however many processes: the rules of an environment hold."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from builds.models import Build, Job, Step
from builds.pipeline.delivery import Rollback, Rollout
from builds.pipeline.plan import Plan, plan_to_json
from builds.services.move import move_build, move_job
from builds.states import FINAL as JOB_FINAL
from builds.states import Status
from deployments.models import Deployment, DeploymentMove, Environment, Release
from deployments.services.advance import advance
from deployments.services.cancel import cancel
from deployments.services.move import hold, move
from deployments.services.pause import go_on, pause
from deployments.services.request import RefusedError, request_by_hand, request_for_build
from deployments.services.resolve import resolve
from deployments.services.rollback import rollback
from deployments.services.settle import settle
from deployments.services.sweep import sweep
from deployments.services.sync_environments import sync_environments
from deployments.states import BUSY, FINAL, MOVES, DeploymentStatus, sources_of
from tests.deployments.conftest import PRODUCTION, environment_plan
from tests.servers import wait_until

ENDS = [(Status.PASSED, ""), (Status.FAILED, "exit_code"), (Status.ERRORED, "runner_lost"), (Status.ERRORED, "image")]


def check():
    """What always holds."""
    for environment in Environment.objects.all():
        here = environment.deployments
        assert here.filter(status__in=BUSY).count() <= 1, "one at a time"
        assert here.live().count() <= 1, "one thing is live"
    jobs = Job.objects.filter(kind="deployment")
    assert jobs.filter(stage=None).count() == 0, "no job without its stage"
    assert all(job.attempt <= 1 and job.max_attempts == 1 for job in jobs)
    for deployment in Deployment.objects.prefetch_related("moves", "stages"):
        moves = sorted(deployment.moves.all(), key=lambda each: each.pk)
        went = [each.went_to for each in moves]
        assert [each.came_from for each in moves] == ["", *went[:-1]], "the history has no gap"
        assert went[-1] == deployment.status
        steps = [(a, b) for a, b in pairwise(went) if a != b]  # a pause changes no state
        assert all(DeploymentStatus(b) in MOVES[DeploymentStatus(a)] for a, b in steps), "every move is legal"
        check_stages(deployment, sorted(deployment.stages.all(), key=lambda each: each.number))
        assert (deployment.job_id is not None) == ("rolling_out" in went)
        assert (deployment.live_at is not None) == ("live" in went)
    automatic = Deployment.objects.filter(automatic=True).values_list("environment", "release")
    assert len(automatic) == len(set(automatic)), "nothing is asked for twice by itself"


def check_stages(deployment, stages):
    """Each share went out once, one after another, and back at most once."""
    assert [stage.number for stage in stages] == list(range(1, len(stages) + 1))
    kinds = [stage.kind for stage in stages]
    assert kinds == sorted(kinds, reverse=True), "nothing goes out after the way back"
    assert kinds.count("rollback") <= 1, "it is brought back at most once"
    shares = [stage.percent for stage in stages if stage.kind == "rollout"]
    assert shares == sorted(set(shares)), "each share once"
    is_over = deployment.status in FINAL | {DeploymentStatus.LIVE}
    for stage in stages[: len(stages) if is_over else -1]:
        assert stage.ended_at is not None or deployment.status == "unknown"
    if deployment.status == "live":
        assert shares[-1:] in ([100.0], [])


@pytest.mark.parametrize("state", sorted(DeploymentStatus))
def test_every_state_can_be_reached_and_left_unless_it_is_final(state):
    assert state == DeploymentStatus.REQUESTED or sources_of(state)
    assert (state in FINAL) == (not MOVES.get(state))


@pytest.mark.django_db
def test_illegal_moves_change_nothing(release):
    release()
    deployment = Deployment.objects.get()
    for state in DeploymentStatus:
        Deployment.objects.filter(pk=deployment.pk).update(status=state)
        moves = DeploymentMove.objects.count()
        for to in set(DeploymentStatus) - MOVES.get(state, frozenset()):
            assert not move(deployment.pk, to, who="test")
        deployment.refresh_from_db()
        assert (deployment.status, DeploymentMove.objects.count()) == (state, moves)


ACTIONS = ["push", "pass", "advance", "run", "end", "end", "end", "settle", "cancel", "resolve", "rollback", "again"]
ACTIONS += ["sweep", "pause", "go_on"]
CANARY = environment_plan(
    "staging", branch="main", applies=True, rollout=Rollout(percents=(10.0, 50.0), rollback=Rollback(automatic=True))
)


@pytest.mark.django_db
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(script=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 10**6)), min_size=15, max_size=30))
def test_any_order_of_events_keeps_the_rules(release, make_build, owner, script):
    plan = release(CANARY, PRODUCTION).plan
    for action, seed in script:
        do(action, random.Random(seed), make_build, plan, owner)
        check()
    while sweep():
        check()
    for model in (Deployment, Release, Build):
        model.objects.all().delete()


def do(action, chance, make_build, plan, owner):
    """One thing happens, somewhere; nobody hears of it unless an action here says so."""
    deployments = list(Deployment.objects.select_related("environment", "release").order_by("id"))
    one = chance.choice(deployments) if deployments else None
    if action == "push":
        make_build(plan=plan, status=Status.RUNNING)
    elif action == "pass":
        _pass_one(chance)
    elif action == "advance":
        for environment in Environment.objects.all():
            advance(environment.pk)
    elif action in {"run", "end"}:
        _work(action, chance)
    elif action == "settle" and one and one.job_id:
        settle(one.job_id)
    elif action == "cancel" and one:
        cancel(one, who="ada@example.com")
    elif action == "resolve" and one:
        resolve(one, went_live=chance.random() < 0.5, who="ada@example.com")
    elif action in {"rollback", "again"} and one:
        _by_hand(action, one, owner)
    elif action in {"pause", "go_on"} and one:
        (pause if action == "pause" else go_on)(one, who="ada@example.com")
    elif action == "sweep":
        sweep()


def _pass_one(chance):
    running = list(Build.objects.filter(status=Status.RUNNING).values_list("pk", flat=True).order_by("id"))
    if running:
        build = chance.choice(running)
        move_build(build, Status.PASSED)
        if chance.random() < 0.7:  # else the signal is lost
            request_for_build(build)


def _work(action, chance):
    jobs = Job.objects.filter(kind="deployment").order_by("id")
    if action == "run":
        for job in jobs.filter(status=Status.QUEUED):
            move_job(job.pk, Status.RUNNING, fields={"attempt": 1})
            if chance.random() < 0.7:
                now = {"name": "deploy", "started_at": job.created_at}
                Step.objects.create(job=job, attempt=1, path="0", position=0, **now)
        return
    for job in jobs.exclude(status__in=JOB_FINAL):
        to, failure = chance.choice(ENDS)
        move_job(job.pk, to, fields={"failure": failure})


def _by_hand(action, one, owner):
    try:
        if action == "rollback":
            rollback(one.environment, one.release, user=owner, who=owner.email, reason="why")
        else:
            request_by_hand(one.environment, one.release, user=owner, who=owner.email)
    except RefusedError:
        pass


def at_once(work, times=4):
    """`work()` in several threads that start together; errors are raised here."""
    start, errors = threading.Barrier(times), []

    def run():
        try:
            start.wait(30)
            work()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


@pytest.mark.django_db(transaction=True)
def test_many_processes_do_each_thing_once(release, make_build):
    plan = release().plan
    late = [make_build(plan=plan, status=Status.PASSED, commit=letter * 40) for letter in "bcd"]
    for build in late:
        build.finished_at = build.created_at
        build.save()
    at_once(lambda: [request_for_build(build.pk) for build in late])
    assert sorted(Release.objects.values_list("number", flat=True)) == [1, 2, 3, 4]
    check()
    environment = Environment.objects.get(name="staging")
    job = environment.deployments.busy().get().job
    move_job(job.pk, Status.RUNNING, fields={"attempt": 1})
    move_job(job.pk, Status.PASSED)
    at_once(lambda: (settle(job.pk), advance(environment.pk), sweep()))
    check()
    assert Job.objects.filter(kind="deployment").count() == 3  # staging twice, production once
    assert sorted(environment.deployments.values_list("status", flat=True)) == [
        "live",
        "rolling_out",
        "superseded",
        "superseded",
    ]


@pytest.mark.django_db(transaction=True)
def test_one_answer_to_the_unknown_and_one_rollback_of_many_clicks(release, owner):
    release()
    deployment = Deployment.objects.get()
    move_job(deployment.job_id, Status.RUNNING)
    move_job(deployment.job_id, Status.ERRORED, fields={"failure": "runner_lost"})
    settle(deployment.job_id)
    answers = []
    at_once(lambda: answers.append(resolve(deployment, went_live=True, who="ada@example.com")))
    assert sorted(answers) == [False, False, False, True]

    def click():
        try:
            request_by_hand(deployment.environment, deployment.release, user=owner, who=owner.email)
        except RefusedError:
            refused.append(1)

    refused = []
    at_once(click)
    assert len(refused) == 3
    check()


@pytest.mark.skipif("sqlite" in str(connection.settings_dict["ENGINE"]), reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_who_retires_an_environment_waits_for_who_decides_there(release, make_build):
    """Else what waits could be cancelled while its job is being made, and the job would run."""
    release()
    release(commit="b" * 40)
    waiting = Deployment.objects.get(status=DeploymentStatus.REQUESTED)
    plan = Plan(source="ciservice.yml", pipelines=(), deployments=(PRODUCTION,))
    without = make_build(plan=plan_to_json(plan), commit="c" * 40)

    def retire():
        sync_environments(without)
        connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            hold(waiting.environment_id)
            retired = threads.submit(retire)
            wait_until(lambda: retired.done() or _somebody_waits(), what="the one who retires")
            assert not retired.done()
        retired.result(30)
    waiting.refresh_from_db()
    assert waiting.status == DeploymentStatus.CANCELLED


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


@pytest.mark.django_db(transaction=True)
def test_many_processes_begin_each_share_once(release):
    build = release(CANARY)
    deployment = Deployment.objects.get(release__build=build)
    for count in (2, 3):
        job = deployment.stages.last().job
        move_job(job.pk, Status.RUNNING, fields={"attempt": 1})
        move_job(job.pk, Status.PASSED)
        at_once(lambda job=job: (settle(job.pk), sweep()))
        assert deployment.stages.count() == count
        check()
    at_once(lambda: (pause(deployment, who="ada"), go_on(deployment, who="ada"), cancel(deployment, who="ada")))
    check()

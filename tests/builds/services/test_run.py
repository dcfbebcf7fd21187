"""One attempt from claim to end, on the fake executor: what its steps see, what is written, what stops it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from builds.invariants import check_invariants
from builds.logs import live
from builds.logs.read import raw
from builds.models import Job, Secret
from builds.pipeline.plan import pipeline_to_json
from builds.services.claim import RunnerIdentity, claim
from builds.services.project_key import put_key
from builds.services.reap import reap
from builds.services.run import job_spec, run
from builds.states import Status
from runners.contract import Outcome, PipelineSpec, ServiceSpec, StepKind, StepSpec, Stop, StopReason
from runners.encryption import encrypt, new_key
from tests import servers
from tests.builds.queue import RUNNER, add_job, age, claim_now, fake_executor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def place(settings, tmp_path, db):
    settings.DATA_DIR = tmp_path
    yield
    live.disconnect()
    assert check_invariants() == []


def run_now(tmp_path, taken=None, stop=None):
    return run(taken or claim_now(), fake_executor(tmp_path), stop or Stop())


def closing(function):
    """For a thread of its own: its connection must not outlive it."""

    def call(*arguments):
        try:
            return function(*arguments)
        finally:
            connection.close()

    return call


def test_steps_and_their_logs(make_build, tmp_path):
    job = add_job(make_build(), "print one\nprint two", "print three", "exit 3", "print never")
    assert run_now(tmp_path).outcome == Outcome.FAILED
    job.refresh_from_db()
    assert (job.status, job.failure) == (Status.FAILED, "exit_code")
    rows = list(job.steps.values_list("status", "exit_code", "log_ended", "log_complete"))
    assert rows == [
        ("passed", 0, True, True),
        ("passed", 0, True, True),
        ("failed", 3, True, True),
        ("skipped", None, False, False),
    ]
    first = job.steps.first()
    assert first.log_lines >= 2
    assert first.started_at <= first.finished_at


def test_parallel_steps_write_from_their_own_threads(make_build, tmp_path):
    job = add_job(make_build())
    inner = tuple(StepSpec(name=f"s{number}", script="print x\nsleep 0.1") for number in range(4))
    spec = PipelineSpec(name="p", steps=(StepSpec(name="all", kind=StepKind.PARALLEL, steps=inner),))
    Job.objects.filter(pk=job.pk).update(spec=pipeline_to_json(spec))
    run_now(tmp_path)
    assert list(job.steps.values_list("status", flat=True)) == ["passed"] * 5


@pytest.mark.parametrize("from_fork", [False, True])
def test_a_strangers_fork_gets_no_key(make_build, project, owner, from_fork):
    put_key(project, text := new_key().text, who=owner)
    add_job(make_build(from_fork=from_fork))

    spec = job_spec(claim_now())

    assert spec.key == ("" if from_fork else text)
    assert text not in repr(spec)


def test_the_operators_list_reaches_deploy_steps(make_build, settings):
    settings.TARGET_ALLOWED_HOSTS = ["127.0.0.1", "registry.local"]
    add_job(make_build())

    assert job_spec(claim_now()).target_hosts == ("127.0.0.1", "registry.local")


def test_what_the_project_key_opens_reaches_the_step_and_no_log(make_build, project, owner, tmp_path):
    put_key(project, (key := new_key()).text, who=owner)
    sealed = encrypt(b"TOKEN=opened with the key", key)
    service = ServiceSpec(name="app", image="busybox", encrypted_environment=(sealed,))
    step = StepSpec(name="show", service="app", script=f"print-env TOKEN\nprint {key.text}")
    job = add_job(make_build())
    spec = PipelineSpec(name="p", steps=(step,), services=(service,))
    Job.objects.filter(pk=job.pk).update(spec=pipeline_to_json(spec))

    assert run_now(tmp_path).outcome == Outcome.PASSED

    log = b"".join(raw(job.steps.get())).decode()
    assert "TOKEN=[hidden]\n[hidden]\n" in log


@pytest.mark.parametrize(("from_fork", "secrets"), [(False, {"TOKEN": "hunter2 hunter2"}), (True, {})])
def test_a_strangers_fork_gets_no_secrets(make_build, project, from_fork, secrets):
    Secret.objects.create(project=project, name="TOKEN", value="hunter2 hunter2")
    add_job(make_build(from_fork=from_fork))
    taken = claim_now()
    spec = job_spec(taken)
    assert spec.secrets == secrets
    assert "hunter2" not in repr(spec)


@pytest.mark.parametrize(
    ("fields", "writes"),
    [({}, True), ({"from_fork": True}, False), ({"pull_request": 7}, False)],
    ids=["push", "fork", "pull request"],
)
def test_only_the_projects_own_pushes_write_its_image_caches(make_build, project, fields, writes):
    add_job(make_build(**fields))

    spec = job_spec(claim_now())

    assert (spec.cache.project, spec.cache.writes) == (str(project.uuid), writes)
    assert spec.is_strangers is fields.get("from_fork", False)
    assert spec.circle == ("" if spec.is_strangers else str(project.uuid))


def test_codeships_variables(make_build, project):
    build = make_build(
        branch="v1", message="ab", pull_request=7, pull_request_url="https://x.example/7", described="v1-2-gabc"
    )
    job = add_job(build)
    Job.objects.filter(pk=job.pk).update(variables={"CI_ENVIRONMENT": "staging"})
    seen = job_spec(claim_now()).environment
    assert {name: seen[name] for name in seen if name not in {"CI_TIMESTAMP", "CI_STRING_TIME", "CI_BUILD_URL"}} == {
        "CI": "true",
        "CI_NAME": "codeship",
        "CI_BRANCH": "v1",
        "CI_COMMIT_ID": "a" * 40,
        "CI_COMMIT_MESSAGE": "ab",
        "CI_MESSAGE": "ab",
        "CI_COMMIT_DESCRIPTION": "v1-2-gabc",
        "CI_COMMITTER_NAME": "Ada",
        "CI_COMMITTER_EMAIL": "ada@example.com",
        "CI_COMMITTER_USERNAME": "",
        "CI_REPO_NAME": "shop/api",
        "CI_PROJECT_ID": str(project.uuid),
        "CI_BUILD_ID": str(build.uuid),
        "CI_BUILD_NUMBER": "1",
        "CI_PR_NUMBER": "7",
        "CI_PULL_REQUEST": "https://x.example/7",
        "CI_ENVIRONMENT": "staging",
    }
    assert str(project.uuid) in seen["CI_BUILD_URL"]


def test_without_a_pull_request_the_variables_say_so(make_build):
    add_job(make_build())
    seen = job_spec(claim_now()).environment
    assert (seen["CI_PR_NUMBER"], seen["CI_PULL_REQUEST"]) == ("", "false")


def test_secrets_are_masked_before_they_are_stored(make_build, project, tmp_path):
    Secret.objects.create(project=project, name="TOKEN", value="correct-horse-battery")
    job = add_job(make_build(), "print-env TOKEN")
    run_now(tmp_path)
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"correct-horse-battery" not in stored
    assert job.steps.get().log_bytes > 0


def test_a_ghost_stops_at_its_next_write(make_build, tmp_path):
    job = add_job(make_build(), "sleep 0.5", "print second")
    taken, stop = claim_now(), Stop()
    thread = threading.Thread(target=closing(run_now), args=(tmp_path, taken, stop))
    thread.start()
    servers.wait_until(lambda: job.steps.filter(status="running").exists(), what="the first step")
    age(job, lease_expires_at=timedelta(hours=1))
    reap()
    thread.join(20)
    assert stop.reason == StopReason.LOST_LEASE
    job.refresh_from_db()
    assert (job.status, job.epoch) == (Status.QUEUED, 2)
    assert list(job.steps.values_list("status", flat=True)) == ["errored", "skipped"]


def test_a_broken_engine_is_our_side(make_build, tmp_path):
    job = add_job(make_build(), "infra The engine is gone.")
    result = run_now(tmp_path)
    job.refresh_from_db()
    assert (result.retry, job.status, job.attempt) == (True, Status.QUEUED, 1)
    assert "The engine is gone." in job.reason


def test_what_nobody_foresaw_is_our_side_too(make_build, tmp_path):
    job = add_job(make_build(), "crash")
    for _ in range(3):
        age(job, not_before=timedelta(0))
        run_now(tmp_path)
    job.refresh_from_db()
    assert (job.status, job.attempt) == (Status.ERRORED, 3)
    assert claim(RUNNER) is None


def test_a_job_whose_steps_are_all_left_out_passes(make_build, tmp_path):
    job = add_job(make_build())
    spec = PipelineSpec(name="p", steps=(StepSpec(name="tagged", script="exit 1", skip="only for tag v*"),))
    Job.objects.filter(pk=job.pk).update(spec=pipeline_to_json(spec))
    run_now(tmp_path)
    job.refresh_from_db()
    step = job.steps.get()
    assert (job.status, step.status, step.reason) == (Status.PASSED, Status.SKIPPED, "only for tag v*")


@pytest.mark.parametrize(
    ("reason", "ends"),
    [
        (StopReason.CANCELLED, Status.CANCELLED),
        (StopReason.TIMED_OUT, Status.FAILED),
        (StopReason.DRAINED, Status.QUEUED),
    ],
)
def test_orders(make_build, tmp_path, reason, ends):
    job = add_job(make_build(), "hang", "print never")
    taken, stop = claim_now(RunnerIdentity(name="r")), Stop()
    thread = threading.Thread(target=closing(run_now), args=(tmp_path, taken, stop))
    thread.start()
    servers.wait_until(lambda: job.steps.filter(status="running").exists(), what="the step")
    stop.order(reason)
    thread.join(20)
    job.refresh_from_db()
    assert job.status == ends

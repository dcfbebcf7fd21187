"""What a build ran with is kept, and run again exactly so; what differs today is told."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from builds.invariants import check_invariants
from builds.logs import live
from builds.models import Build, Cache, Job, Secret
from builds.pipeline.plan import EnvironmentPlan, Plan, pipeline_from_json, plan_to_json
from builds.services.depot import JobDepot
from builds.services.enqueue import enqueue
from builds.services.finish import finish
from builds.services.plan import plan
from builds.services.project_key import put_key
from builds.services.replay import ReplayError, ran, replay, why_not
from builds.services.run import job_spec, run
from builds.services.since_then import since_then
from builds.states import Status
from deployments.models import Deployment, Release
from deployments.services.request import request_by_hand
from deployments.services.sync_environments import sync_environments
from runners.approval import APPROVED_VARIABLE
from runners.contract import (
    CacheSpec,
    JobResult,
    Outcome,
    PipelineSpec,
    PushSpec,
    ServiceSpec,
    StepKind,
    StepSpec,
    Stop,
)
from runners.encryption import new_key
from runners.errors import RunnerError
from tests.builds.queue import claim_now, fake_executor

pytestmark = pytest.mark.django_db(transaction=True)

PYTHON = "python:3.12"
THEN = f"python@sha256:{'a' * 64}"
STEP = StepSpec(name="unit", image=PYTHON, script="print ok")


@pytest.fixture(autouse=True)
def place(settings, tmp_path, db):
    settings.DATA_DIR = tmp_path
    yield
    live.disconnect()
    assert check_invariants() == []


@pytest.fixture
def perform(tmp_path):
    """Runs the job that is next."""

    def perform() -> Job:
        taken = claim_now()
        run(taken, fake_executor(tmp_path), Stop())
        return Job.objects.get(pk=taken.job_id)

    return perform


@pytest.fixture
def made(make_build):
    """Makes a planned build that waits with these pipelines."""

    def made(*pipelines: PipelineSpec, deployments=(), **fields) -> Build:
        planned = Plan(source="ciservice.yml", pipelines=pipelines, deployments=deployments)
        build = make_build(plan=plan_to_json(planned), planned_at="2026-01-01T00:00:00Z", **fields)
        for position, one in enumerate(pipelines):
            enqueue(build, one, kind="pipeline", variables={}, position=position)
        return build

    return made


def pipeline(*steps: StepSpec, **fields) -> PipelineSpec:
    return PipelineSpec(name=fields.pop("name", "test"), steps=steps or (STEP,), **fields)


def pin(job: Job) -> None:
    """As if its image had been another one when it ran."""
    job.record["images"] = dict.fromkeys(job.record["images"], THEN)
    job.save(update_fields=["record"])


class TestTheRecord:
    def test_a_job_keeps_what_it_ran_with(self, made, perform, project, settings):
        Secret.objects.create(project=project, name="TOKEN", value="correct-horse-battery")
        build = made(pipeline())
        record = perform().record

        assert record["commit"] == build.commit
        assert record["variables"]["CI_BRANCH"] == "main"
        assert record["images"] == {PYTHON: f"{PYTHON}@sha256:{'0' * 64}"}
        assert record["runner"]["ciservice"] == settings.VERSION
        assert (record["runner"]["executor"], record["runner"]["engine"]) == ("fake", "1")
        assert record["runner"]["git"][0].isdigit()
        assert record["limits"]["timeout_seconds"] == settings.BUILD_TIMEOUT_SECONDS

    def test_a_secret_is_kept_as_a_hash_that_only_this_instance_can_make(self, made, perform, project, settings):
        Secret.objects.create(project=project, name="ONE", value="correct-horse-battery")
        Secret.objects.create(project=project, name="TWO", value="correct-horse-battery")
        made(pipeline())
        first = perform().record["secrets"]
        made(pipeline())
        second = perform().record["secrets"]
        settings.RECORD_KEY = "ab" * 32
        made(pipeline())
        third = perform().record["secrets"]

        assert first == second
        assert sorted(first["hashes"]) == ["ONE", "TWO"]
        assert first["hashes"]["ONE"] != first["hashes"]["TWO"]
        assert not set(first["hashes"].values()) & set(third["hashes"].values())
        assert first["keyed_by"] != third["keyed_by"]
        assert "battery" not in json.dumps([first, third])

    def test_it_costs_no_statement(self, made):
        counts = []
        for record in (None, {"images": {}}):
            made(pipeline())
            taken = claim_now()
            with CaptureQueriesContext(connection) as queries:
                assert finish(taken, JobResult(outcome=Outcome.PASSED), record=record)
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_what_a_lost_try_ran_with_is_not_made_up(self, made):
        made(pipeline())
        taken = claim_now()
        finish(taken, JobResult(outcome=Outcome.PASSED))
        assert Job.objects.get().record is None


class TestExactly:
    def test_it_runs_the_old_plan_with_the_images_of_then(self, made, perform, owner):
        old = made(pipeline(services=(ServiceSpec(name="db", image="postgres:15"),)))
        pin(perform())
        old.refresh_from_db()

        again = replay(old, requested_by=owner, who=owner.email)
        plan(again.pk)  # a doubled bell finds nothing to plan
        job = perform()

        again.refresh_from_db()
        assert (again.status, again.exactly, again.restart_of, again.number) == (Status.PASSED, True, old, 2)
        assert again.plan == old.plan
        assert job.record["images"] == {PYTHON: THEN}
        assert again.plan_attempts == 0

    def test_variables_are_those_of_then_but_for_the_builds_own_name(self, made, perform, project, owner):
        old = made(pipeline())
        then = perform().record["variables"]
        old.refresh_from_db()
        project.name = "shop/renamed"
        project.save()
        again = replay(Build.objects.get(pk=old.pk), requested_by=owner, who=owner.email)

        seen = job_spec(claim_now()).environment

        assert {name for name in seen if seen[name] != then.get(name)} == {
            "CI_BUILD_ID",
            "CI_BUILD_NUMBER",
            "CI_BUILD_URL",
        }
        assert (seen["CI_REPO_NAME"], seen["CI_BUILD_ID"]) == ("shop/api", str(again.uuid))

    def test_nobodys_approval_is_taken_over(self, made, perform, owner):
        old = made(pipeline())
        Job.objects.update(variables={APPROVED_VARIABLE: "true"})
        assert perform().record["variables"][APPROVED_VARIABLE] == "true"
        old.refresh_from_db()
        replay(old, requested_by=owner, who=owner.email)
        assert not job_spec(claim_now()).is_approved

    def test_an_image_is_made_and_not_pushed(self, made, perform, owner):
        push = StepSpec(name="push", kind=StepKind.PUSH, service="app", push=PushSpec(image_name="a/b"))
        group = StepSpec(name="all", kind=StepKind.SERIAL, steps=(push,))
        app = ServiceSpec(name="app", image=PYTHON)
        old = made(pipeline(STEP, group, services=(app,)))
        perform()
        old.refresh_from_db()
        replay(old, requested_by=owner, who=owner.email)
        [inner] = pipeline_from_json(Job.objects.latest("pk").spec).steps[1].steps
        assert (inner.kind, inner.push) == (StepKind.PUSH, None)

    def test_it_deploys_only_where_a_person_sends_it(self, made, perform, owner, project):
        to = EnvironmentPlan(name="live", branch="main", applies=True, pipeline=pipeline())
        after = EnvironmentPlan(name="next", after="live", pipeline=pipeline())
        old = made(pipeline(), deployments=(to, after))
        perform()
        old.refresh_from_db()
        assert Deployment.objects.count() == 1
        before = set(project.environments.values_list("name", "retired"))

        again = replay(old, requested_by=owner, who=owner.email)
        Job.objects.filter(kind="deployment").update(status=Status.PASSED, finished_at=Now())
        job = perform()

        assert (job.build, job.status) == (again, Status.PASSED)
        assert Deployment.objects.count() == 1
        sync_environments(again)
        assert set(project.environments.values_list("name", "retired")) == before
        Deployment.objects.update(status="superseded")
        release = Release.objects.get(build=again)
        assert request_by_hand(project.environments.get(name="live"), release, user=owner, who="o").release == release

    def test_the_default_image_of_then_is_used(self, made, perform, settings, owner):
        settings.DEFAULT_IMAGE = PYTHON
        old = made(pipeline(image=PYTHON))
        job = perform()
        Job.objects.filter(pk=job.pk).update(spec={**job.spec, "image": ""})
        settings.DEFAULT_IMAGE = "debian:13"
        old.refresh_from_db()
        replay(old, requested_by=owner, who=owner.email)
        assert Job.objects.latest("pk").spec["image"] == PYTHON

    def test_needs_are_waited_for(self, made, perform, owner):
        old = made(pipeline(name="a"), pipeline(name="b", needs=("a",)))
        perform()
        perform()
        old.refresh_from_db()
        again = replay(old, requested_by=owner, who=owner.email)
        assert [job.status for job in ran(again)] == [Status.QUEUED, Status.BLOCKED]
        perform()
        perform()
        again.refresh_from_db()
        assert again.status == Status.PASSED

    def test_a_pipeline_that_never_ran_gets_what_the_others_used(self, made, perform, owner):
        fails = StepSpec(name="unit", image=PYTHON, script="exit 1")
        old = made(pipeline(fails, name="a"), pipeline(name="b", needs=("a",)))
        pin(perform())
        old.refresh_from_db()
        assert old.status == Status.FAILED
        again = replay(old, requested_by=owner, who=owner.email)
        assert [job.spec["images"] for job in ran(again)] == [{PYTHON: THEN}] * 2

    @pytest.mark.parametrize("key", ["", "another"])
    def test_the_page_warns_of_secrets_that_differ(self, made, perform, project, owner, settings, key):
        for name in ("SAME", "CHANGED", "GONE"):
            Secret.objects.create(project=project, name=name, value=f"value of {name}")
        put_key(project, new_key().text, who=owner)
        old = made(pipeline())
        perform()
        put_key(project, new_key().text, who=owner)
        Secret.objects.get(name="GONE").delete()
        Secret.objects.filter(name="CHANGED").delete()
        Secret.objects.create(project=project, name="CHANGED", value="another value")
        Secret.objects.create(project=project, name="NEW", value="a new value")
        settings.RECORD_KEY = "ab" * 32 if key else settings.RECORD_KEY
        old.refresh_from_db()

        again = replay(old, requested_by=owner, who=owner.email)
        said = [warning["text"] for warning in again.plan["warnings"]]

        cannot = "cannot be compared: this instance's SECRET_KEY was changed since."
        differs = cannot if key else "has another value than then."
        assert said == [
            f"The secret CHANGED {differs}",
            "The secret GONE was there then, and is not any more.",
            "The secret NEW was not there then.",
            *([f"The secret SAME {cannot}"] if key else []),
            f"The project's key {differs}",
        ]
        perform()
        again.refresh_from_db()
        third = replay(again, requested_by=owner, who=owner.email)
        assert third.plan["warnings"] == []  # nothing differs from what ran last

    def test_a_strangers_fork_is_not_told_of_secrets(self, made, perform, project, owner):
        Secret.objects.create(project=project, name="TOKEN", value="correct-horse-battery")
        old = made(pipeline(), from_fork=True)
        perform()
        old.refresh_from_db()
        again = replay(old, requested_by=owner, who=owner.email)
        assert again.from_fork
        assert again.plan["warnings"] == []
        assert job_spec(claim_now()).secrets == {}


class TestWhenItCannotBe:
    def test_not_before_it_ended(self, made):
        build = made(pipeline())
        assert why_not(build, ran(build)) == "It has not ended yet."
        with pytest.raises(ReplayError):
            replay(build, requested_by=None, who="x")
        assert Build.objects.count() == 1

    def test_not_without_a_plan(self, make_build):
        build = make_build(status=Status.FAILED, finished_at="2026-01-01T00:00:00Z")
        assert why_not(build, ran(build)).startswith("It never ran: there is no plan")

    def test_not_without_a_record(self, made, perform):
        build = made(pipeline())
        perform()
        Job.objects.update(record=None)
        build.refresh_from_db()
        assert why_not(build, ran(build)).startswith("What test ran with was not kept: it ran before")


class TestCaches:
    @pytest.fixture
    def cache(self, project, tmp_path, settings):
        """Keeps a cache under a key."""

        def cache(key: str, name: str) -> Cache:
            return Cache.objects.create(project=project, branch="main", key=key, size=1, storage_name=name)

        return cache

    def test_the_cache_of_then_is_restored_and_none_saved(self, made, cache, perform, owner):
        spec = CacheSpec(key="pip-2", paths=("x",), alike=("pip-",))
        old = made(pipeline(caches=(spec,)))
        taken = claim_now()
        then = cache("pip-1", "caches/old")
        depot = JobDepot(taken)
        assert depot.restore("pip-2", ["pip-"])[0] == "pip-1"
        record = {
            "images": {},
            "variables": {},
            "default_image": "",
            "secrets": {"keyed_by": "", "hashes": {}},
            "caches": {"restored": depot.restored},
        }
        assert finish(taken, JobResult(outcome=Outcome.PASSED), record=record)
        cache("pip-2", "caches/new")
        old.refresh_from_db()
        replay(old, requested_by=owner, who=owner.email)

        depot = JobDepot(claim_now())
        assert depot.restore("pip-2", ["pip-"])[0] == "pip-1"
        assert depot.restore("npm", []) is None
        assert depot.has("anything")
        then.delete()
        with pytest.raises(RunnerError, match="it was pip-1 then, which is gone"):
            depot.restore("pip-2", ["pip-"])


class TestWhatDiffers:
    def test_nothing_where_nothing_does(self, made, perform):
        build = made(pipeline())
        perform()
        since = since_then(build, ran(build))
        assert (since.variables, since.secrets, since.images, since.runner) == ((), (), (), ())
        assert "not on this machine" in since.unread

    def test_images_settings_and_versions(self, made, perform, project, settings):
        build = made(pipeline())
        pin(perform())
        made(pipeline())
        perform()
        settings.VERSION = "99.0"
        project.timeout_seconds = 60
        project.name = "shop/new"
        build.project = project
        since = since_then(build, ran(build))
        [image] = since.images
        assert (image.what, image.then, image.now) == (PYTHON, f"sha256:{'a' * 64}", f"sha256:{'0' * 64}")
        assert [change.now for change in since.runner] == ["99.0"]
        assert [(change.what, change.now) for change in since.variables] == [
            ("CI_REPO_NAME", "shop/new"),
            ("time limit, seconds", "60"),
        ]

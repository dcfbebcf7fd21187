"""Of a deployment that nobody knows about everything is asked that can be asked, and nothing moves by the answers."""

import pytest

from builds.pipeline.delivery import Probe, Rollback, Rollout
from builds.services.move import move_job
from builds.states import Status
from deployments.models import Deployment, Stage
from deployments.services.check_again import check_again, check_by_itself
from deployments.services.look import look
from deployments.services.resolve import resolve
from runners.contract import PipelineSpec, ServiceSpec, StepKind, StepSpec, TargetSpec
from tests.deployments.conftest import environment_plan, of, steps
from tests.deployments.sites import site

pytestmark = pytest.mark.django_db

SSH = TargetSpec(kind="ssh", settings={"hosts": ["web-1.example.com"]})
DELIVERS = PipelineSpec(
    name="staging",
    image="tools",
    services=(ServiceSpec(name="db", image="postgres"),),
    artifacts=("out/**",),
    retries=2,
    steps=(
        StepSpec(name="prepare", script="./prepare"),
        StepSpec(
            name="both",
            kind=StepKind.PARALLEL,
            steps=(
                StepSpec(name="web", kind=StepKind.DEPLOY, target=SSH, allow_failure=True),
                StepSpec(name="not here", kind=StepKind.DEPLOY, target=SSH, skip="only for tag v*"),
            ),
        ),
    ),
)


@pytest.fixture
def lost(release, end, project):
    """A deployment whose runner was lost while its steps ran."""

    def lost(*, pipeline: PipelineSpec | None = None, commit="a" * 40, **rollout) -> Deployment:
        plan = environment_plan("staging", branch="main", applies=True, rollout=Rollout(**rollout))
        if pipeline:
            plan = type(plan)(**{**vars(plan), "pipeline": pipeline})
        deployment = end(of(release(plan, commit=commit), "staging"), Status.ERRORED, failure="runner_lost", began=True)
        assert deployment.status == "unknown"
        return deployment

    return lost


def stage(deployment: Deployment) -> Stage:
    return deployment.stages.latest("number")


def ended(deployment: Deployment, to: Status, commits) -> None:
    job = stage(deployment).check_job_id
    with commits():
        move_job(job, Status.RUNNING)
        move_job(job, to)


def test_its_targets_are_asked_and_its_commands_run_and_nothing_else(lost):
    deployment = lost(pipeline=DELIVERS, checks=steps("./smoke"))
    job = stage(deployment).check_job
    assert (job.kind, job.build, job.name) == ("check", deployment.release.build, "check staging")
    assert job.variables == deployment.job.variables
    assert [(step["name"], step["kind"]) for step in job.spec["steps"]] == [("web", "deploy"), ("deploy", "run")]
    question = job.spec["steps"][0]
    assert question["target"] == {"kind": "ssh", "settings": SSH.settings, "asks": True}
    assert not question["allow_failure"], "the answer counts"
    assert [service["name"] for service in job.spec["services"]] == ["db"]


def test_without_commands_its_targets_are_asked_where_its_steps_ran(lost):
    job = stage(lost(pipeline=DELIVERS)).check_job
    assert [step["name"] for step in job.spec["steps"]] == ["web"]
    assert (job.spec["image"], job.spec["artifacts"], job.spec["retries"], job.max_attempts) == ("tools", [], 0, 3)


def test_whatever_they_say_a_person_decides(lost, commits):
    deployment = lost(checks=steps("./smoke"))
    for to in (Status.PASSED, Status.FAILED):
        ended(deployment, to, commits)
        deployment.refresh_from_db()
        assert deployment.status == "unknown"
        before = stage(deployment).check_job_id
        with commits():
            assert check_again(deployment, who="ann@example.com")
        assert stage(deployment).check_job_id != before
    assert deployment.moves.filter(came_from="unknown", who="ann@example.com").count() == 2
    with commits():
        assert resolve(deployment, went_live=True, who="ann@example.com")
    assert not check_again(deployment, who="ann@example.com"), "it is known now"


def test_asked_twice_it_is_looked_at_once(lost):
    deployment = lost(checks=steps("./smoke"))
    first = stage(deployment).check_job_id
    assert not check_again(deployment, who="ann@example.com")
    assert stage(deployment).check_job_id == first


def test_by_itself_it_is_looked_at_once(lost, commits):
    deployment = lost(checks=steps("./smoke"))
    ended(deployment, Status.PASSED, commits)
    assert not check_by_itself(deployment.pk)


def test_where_there_is_nothing_to_ask_that_is_said(lost):
    deployment = lost()
    assert not check_again(deployment, who="ann@example.com")
    assert (stage(deployment).check_job, stage(deployment).look_at) == (None, None)


def test_only_what_is_unknown_is_asked_about(release, end):
    assert not check_again(end(of(release(), "staging")), who="ann@example.com")


def test_of_a_way_back_it_is_asked_whether_the_release_before_is_back(release, end, lost, settings, commits):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with site() as here:
        looked_at = {
            "probes": (Probe(url=here.url, body="release $CI_RELEASE"),),
            "rollback": Rollback(automatic=True),
        }
        plan = environment_plan("staging", branch="main", applies=True, rollout=Rollout(**looked_at))
        first = end(of(release(plan), "staging"))
        with commits():
            look(stage(first).pk)
        bad = of(release(plan, commit="b" * 40), "staging")
        end(bad, Status.FAILED, began=True)
        assert bad.status == "rolling_back"
        end(bad, Status.ERRORED, failure="runner_lost")
        assert bad.status == "unknown"
        with commits():
            look(stage(bad).pk)
        row = stage(bad).probes.get()
        assert (stage(bad).kind, row.is_right) == ("rollback", True), "release 1 answers"
    bad.refresh_from_db()
    assert bad.status == "unknown"


def test_said_to_be_out_a_share_is_looked_at_as_any_other(lost, commits, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with site() as here:
        here.say(500)
        deployment = lost(percents=(10.0,), probes=(Probe(url=here.url),), checks=steps("./smoke"))
        with commits():
            look(stage(deployment).pk)
        asked = stage(deployment).check_job_id
        with commits():
            resolve(deployment, went_live=True, who="ann@example.com")
        deployment.refresh_from_db()
        assert (deployment.status, stage(deployment).probes.count()) == ("verifying", 0)
        assert stage(deployment).check_job_id != asked, "what was asked before decides nothing"

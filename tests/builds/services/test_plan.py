"""Planning: once, from a real repository, with every failure said to people."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from builds.models import Build, BuildMove
from builds.models.build import Trigger
from builds.pipeline.basic import Kept, KeptPipeline
from builds.services import wake
from builds.services.keep_pipelines import keep_pipelines
from builds.services.plan import plan
from builds.services.plan_turn import MOST_ATTEMPTS, take_turn
from builds.services.retry import retry
from builds.services.supersede import supersede
from builds.services.trigger import BuildRequest, trigger
from builds.states import Status
from tests.builds.queue import add_job, claim_now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]

NATIVE = """
pipelines:
  test:
    steps:
      - {name: unit, run: make test}
  lint:
    labels: [Arm, gpu]
    steps:
      - {name: ruff, run: ruff check}
"""


@pytest.fixture
def origin(tmp_path, project, settings):
    """The project's repository, on this machine; `commit(files)` returns the new commit's id."""
    settings.DATA_DIR = tmp_path / "data"
    settings.ALLOW_LOCAL_REPOSITORIES = True
    folder = tmp_path / "origin"
    folder.mkdir()
    project.repository_url = str(folder)
    project.save()

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), "-c", "user.name=Ada L", "-c", "user.email=ada@example.com", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q", "-b", "main")

    def commit(**files: str) -> str:
        for name, text in files.items():
            (folder / name.replace("__", "-").replace("_", ".")).write_text(text)
        git("add", ".")
        git("commit", "-q", "--allow-empty", "-m", "Round up\n\nAlways.")
        return git("rev-parse", "HEAD")

    return commit


def planned(build: Build) -> Build:
    plan(build.pk)
    build.refresh_from_db()
    return build


def test_a_push_becomes_jobs(make_build, origin):
    build = planned(make_build(commit=origin(ciservice_yml=NATIVE), message="", author_name="", author_email=""))
    assert (build.status, build.reason, build.planned_at is not None) == (Status.QUEUED, "", True)
    assert build.plan["source"] == "ciservice.yml"
    assert (build.message, build.author_name, build.author_email) == ("Round up\n\nAlways.", "Ada L", "ada@example.com")
    assert build.described == build.commit[: len(build.described)] != ""
    jobs = build.jobs.values_list("name", "position", "labels", "max_attempts", "status")
    assert list(jobs) == [("test", 0, "", 3, "queued"), ("lint", 1, "arm,gpu", 3, "queued")]


def test_what_the_push_said_is_kept(make_build, origin):
    build = planned(make_build(commit=origin(ciservice_yml=NATIVE), message="From the hook", author_name="Bob"))
    assert (build.message, build.author_name) == ("From the hook", "Bob")


def test_no_commit_means_the_newest_of_the_ref(make_build, origin):
    newest = origin(ciservice_yml=NATIVE)
    assert planned(make_build(commit="")).commit == newest


def test_it_is_planned_once(make_build, origin):
    build = make_build(commit=origin(ciservice_yml=NATIVE))
    planned(build)
    planned(build)
    assert (build.jobs.count(), build.plan_attempts) == (2, 1)


def test_while_one_plans_nobody_else_does(make_build, origin):
    build = make_build(commit=origin(ciservice_yml=NATIVE))
    assert take_turn(build.pk) is not None
    assert planned(build).jobs.count() == 0
    assert wake.unplanned() == []
    Build.objects.filter(pk=build.pk).update(plan_not_before=Now(), created_at=Now() - timedelta(minutes=1))
    assert wake.unplanned() == [build.pk], "the planner died: its turn ran out"
    assert planned(build).jobs.count() == 2


def test_a_build_that_was_cancelled_meanwhile_stays(make_build, origin):
    build = make_build(commit=origin(ciservice_yml=NATIVE), status=Status.CANCELLED, finished_at=Now())
    assert (planned(build).status, build.jobs.count()) == (Status.CANCELLED, 0)


def test_every_problem_of_the_configuration_is_told_with_its_place(make_build, origin):
    text = "pipelines:\n  test:\n    stepz: []\n  lint:\n    steps:\n      - {name: x, rum: y}\n"
    build = planned(make_build(commit=origin(ciservice_yml=text)))
    assert build.status == Status.FAILED
    assert build.reason.startswith("ciservice.yml:3")
    assert "ciservice.yml:6" in build.reason
    assert BuildMove.objects.get(build=build, went_to="failed").who == "planner"


def test_no_configuration_says_what_was_looked_for(make_build, origin):
    build = planned(make_build(commit=origin(README="hello")))
    assert build.status == Status.FAILED
    for name in ("ciservice.yml", "codeship-services.yml", "codeship-steps.yml"):
        assert name in build.reason


def test_without_a_file_the_projects_own_pipelines_are_taken(make_build, origin, owner):
    build = make_build(commit=origin(README="hello"))
    kept = Kept(pipelines=(KeptPipeline(name="kept", commands="make test"),))
    assert not keep_pipelines(build.project, kept, who=owner)
    assert planned(build).plan["source"] == "project settings"
    assert [job.name for job in build.jobs.all()] == ["kept"]


def test_codeship_files_are_read(make_build, origin):
    services = "app:\n  image: busybox\n"
    steps = "- name: unit\n  service: app\n  command: echo hello\n"
    build = planned(make_build(commit=origin(codeship__services_yml=services, codeship__steps_yml=steps)))
    assert (build.status, build.jobs.count()) == (Status.QUEUED, 1)


def test_a_commit_that_is_not_there_is_tried_again_and_then_given_up(make_build, origin):
    origin(ciservice_yml=NATIVE)
    build = make_build(commit="b" * 40)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        planned(build)
        if build.is_final:
            break
        assert (build.plan_attempts, build.plan_not_before is not None) == (attempt, True)
        planned(build)
        assert build.plan_attempts == attempt, "it rests"
        Build.objects.filter(pk=build.pk).update(plan_not_before=Now())
    assert build.status == Status.ERRORED
    assert "could not be fetched" in build.reason


def test_a_plan_that_kills_its_planner_is_given_up(make_build, origin):
    build = make_build(commit=origin(ciservice_yml=NATIVE))
    for _ in range(MOST_ATTEMPTS):
        assert take_turn(build.pk)
        Build.objects.filter(pk=build.pk).update(plan_not_before=Now())
    assert planned(build).status == Status.ERRORED


class TestSupersede:
    def test_older_waiting_builds_of_the_branch_go(self, make_build, project):
        project.supersede = True
        project.save()
        unplanned, waiting, running = make_build(), make_build(), make_build()
        add_job(waiting)
        add_job(running, labels=("gpu",))
        other_branch = make_build(ref="refs/heads/next", branch="next")
        fork = make_build(ref="refs/pull/7/head", branch="main", from_fork=True)
        restart = make_build(trigger=Trigger.RESTART)
        Build.objects.filter(pk=running.pk).update(status=Status.RUNNING)
        newest = make_build()
        assert supersede(newest) == 2
        states = dict(Build.objects.values_list("pk", "status"))
        assert states == {
            unplanned.pk: "cancelled",
            waiting.pk: "cancelled",
            running.pk: "running",
            other_branch.pk: "queued",
            fork.pk: "queued",
            restart.pk: "queued",
            newest.pk: "queued",
        }
        unplanned.refresh_from_db()
        assert unplanned.reason == f"superseded by #{newest.number}"
        running.jobs.update(status=Status.PASSED, finished_at=Now())
        Build.objects.filter(pk=running.pk).update(status=Status.PASSED, finished_at=Now())

    def test_running_ones_too_where_the_project_says_so(self, make_build, project):
        project.supersede = project.supersede_running = True
        project.save()
        job = add_job(make_build())
        claim_now()
        assert supersede(make_build()) == 1
        job.refresh_from_db()
        assert job.cancel_requested_at is not None

    @pytest.mark.parametrize("asked_by", [Trigger.RESTART, Trigger.MANUAL])
    def test_whoever_builds_an_old_commit_again_stops_nobody(self, make_build, project, asked_by):
        project.supersede = True
        project.save()
        make_build()
        assert supersede(make_build(trigger=asked_by)) == 0

    def test_off_by_default(self, make_build):
        make_build()
        assert supersede(make_build()) == 0

    def test_it_comes_with_the_plan(self, make_build, project, origin):
        project.supersede = True
        project.save()
        older = make_build()
        planned(make_build(commit=origin(ciservice_yml=NATIVE)))
        older.refresh_from_db()
        assert older.status == Status.CANCELLED


def test_a_retry_is_a_new_build_of_the_same_commit(make_build, owner):
    old = make_build(status=Status.FAILED, finished_at=Now(), from_fork=True, pull_request=7)
    new = retry(old, requested_by=owner, who=owner.email)
    assert (new.number, new.commit, new.restart_of, new.requested_by) == (old.number + 1, old.commit, old, owner)
    assert (new.trigger, new.from_fork, new.pull_request, new.status) == (Trigger.RESTART, True, 7, Status.QUEUED)
    old.refresh_from_db()
    assert old.status == Status.FAILED


@pytest.mark.parametrize("text", [r"a\0b", r"a\ud800b"])
def test_characters_that_cannot_be_stored_are_a_problem_of_the_configuration(make_build, origin, text):
    hostile = f'pipelines:\n  test:\n    steps:\n      - {{name: "{text}", run: "echo {text}"}}\n'
    build = planned(make_build(commit=origin(ciservice_yml=hostile)))
    assert (build.status, build.jobs.count()) == (Status.FAILED, 0)
    assert build.reason.startswith("ciservice.yml")


def test_a_push_may_say_anything(project):
    request = BuildRequest(
        ref="refs/heads/a\0", branch="a\0", commit="", message="\ud800 \0 x" * 9000, author_name="\0" * 300
    )
    build = trigger(project, request, who="ada")
    assert (build.branch, build.author_name, len(build.message)) == ("a", "", 20_000)


IRREVERSIBLE = """
deployments:
  live: {branch: main, tag: "v*", steps: [./deploy], irreversible: "*.sql"}
"""


@pytest.mark.parametrize(("ref", "other"), [("refs/heads/main", "refs/tags/v1"), ("refs/tags/v2", "refs/heads/main")])
def test_what_cannot_be_taken_back_is_looked_for_since_such_a_build_last_passed(
    make_build, origin, project, ref, other
):
    def built(commit: str, of: str) -> Build:
        subprocess.run(
            ["git", "-C", project.repository_url, "tag", "-f", "v1", commit], check=True, capture_output=True
        )
        subprocess.run(
            ["git", "-C", project.repository_url, "tag", "-f", "v2", commit], check=True, capture_output=True
        )
        return planned(make_build(commit=commit, ref=of, branch=of.rpartition("/")[2]))

    def reason(build: Build) -> str:
        return build.plan["deployments"][0]["rollout"]["irreversible"]

    first = built(origin(ciservice_yml=IRREVERSIBLE), "refs/tags/v1" if "tags" in ref else ref)
    assert (first.status, reason(first)) == (Status.PASSED, "it is not known whether it changes *.sql")
    changed = origin(drop_sql="DROP TABLE x;")
    if "tags" in ref:
        built(changed, other)  # the branch has it; the tags do not
    assert reason(built(changed, ref)) == "drop.sql was changed"
    assert reason(built(origin(readme="x"), ref)) == ""

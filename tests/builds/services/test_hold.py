"""A fork's build with the planner: its commit made whole, held, approved, planned from the fork and from nowhere else."""

from __future__ import annotations

import pytest

from builds.models import Build, BuildMove
from builds.models.build import Trigger
from builds.services.approve import APPROVAL_DAYS, approve, expire_unapproved
from builds.services.machine import executor_settings
from builds.services.plan import plan
from builds.services.source import source_of
from builds.services.trigger import BuildRequest, trigger
from builds.states import Status
from runners.checkout.mirror import mirror_path
from tests.runners.checkout.repositories import Repository, git

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = "steps:\n  - {name: test, run: 'true'}\n"


@pytest.fixture
def fork(tmp_path, project, settings):
    """A stranger's copy of the project's repository, with a change on main, and a tag that the project has, too."""
    settings.DATA_DIR, settings.ALLOW_LOCAL_REPOSITORIES = tmp_path / "data", True
    origin, fork = Repository(tmp_path), Repository(tmp_path, "fork")
    origin.commit("Ours", ciservice_dot_yml=STEPS)
    origin.tag("v1")
    project.repository_url, project.ssh_private_key = str(origin.bare), "the key"
    project.save()
    fork.commit("Theirs", ciservice_dot_yml=STEPS)
    fork.tag("v1")
    return fork


@pytest.fixture
def ask(project, fork):
    """A build of the fork's main, as Bitbucket asks for it: with the first digits of the commit."""

    def ask(commit, **more):
        request = BuildRequest(
            ref="refs/heads/main",
            branch="mallory:main",
            commit=commit,
            trigger=Trigger.PULL_REQUEST,
            pull_request=7,
            from_fork=True,
            fork_url=str(fork.bare),
            **{"is_held": True, **more},
        )
        return trigger(project, request, who="webhook")

    return ask


def planned(build: Build) -> Build:
    Build.objects.filter(pk=build.pk).update(plan_not_before=None)
    plan(build.pk)
    build.refresh_from_db()
    return build


def head(fork: Repository) -> str:
    return git(fork.work, "rev-parse", "HEAD")


def test_the_first_digits_become_a_commit_and_it_waits(ask, fork):
    build = planned(ask(head(fork)[:12]))
    assert (build.status, build.commit, build.planned_at) == (Status.WAITING, head(fork), None)
    assert build.reason == f"From a fork by mallory: a manager looks at commit {head(fork)[:7]} and approves."
    assert BuildMove.objects.get(went_to=Status.WAITING).reason == build.reason


def test_nothing_is_fetched_before_the_approval(ask, fork):
    build = planned(ask(head(fork)[:12]))
    mirrors = executor_settings().mirrors
    assert not mirror_path(mirrors, source_of(build).mirror).exists()


def test_approved_it_is_planned_from_the_fork(ask, fork, owner):
    build = planned(ask(head(fork)[:12]))
    assert approve(build, user=owner)
    planned(build)
    assert (build.status, build.message, build.jobs.count()) == (Status.QUEUED, "Theirs", 1)


def test_the_projects_own_mirror_and_key_have_no_part_in_it(ask, project):
    source = source_of(ask("a" * 40))
    assert source.private_key == ""
    assert source.is_strangers
    assert source.mirror != str(project.uuid)


def test_a_branch_that_has_moved_on_is_cancelled_after_some_looks(ask, fork):
    build = ask(head(fork)[:12])
    fork.commit("More")
    for _ in range(2):
        assert planned(build).status == Status.QUEUED, "the host may be slow to know"
    assert planned(build).status == Status.CANCELLED
    assert "has moved on" in build.reason


@pytest.mark.parametrize("digits", ["0" * 12, "f" * 7])
def test_digits_of_another_commit_are_never_taken_for_this_one(ask, digits):
    build = ask(digits)
    for _ in range(3):
        planned(build)
    assert (build.status, build.commit) == (Status.CANCELLED, digits)


def test_a_project_that_builds_forks_gets_the_whole_commit_too(ask, fork):
    build = planned(ask(head(fork)[:12], is_held=False))
    assert (build.status, build.commit, build.jobs.count()) == (Status.QUEUED, head(fork), 1)


def test_a_message_that_asks_for_no_build_gets_none(ask, fork):
    commit = fork.commit("Docs [skip ci]")
    build = planned(ask(commit, is_held=False))
    assert (build.status, build.reason) == (Status.SKIPPED, "The commit's message asks for no build.")


def test_who_asks_nobody_for_long_is_forgotten(ask, fork):
    build = planned(ask(head(fork)))
    assert expire_unapproved() == 0
    Build.objects.filter(pk=build.pk).update(created_at="2020-01-01T00:00Z")
    assert expire_unapproved() == 1
    build.refresh_from_db()
    assert (build.status, build.reason) == (Status.CANCELLED, f"Nobody approved it within {APPROVAL_DAYS} days.")

"""T45: what came from a fork, by whatever event, is given nothing and leaves nothing behind; what is ours is given all."""

from __future__ import annotations

import io

import pytest

from accounts.models import Organization
from builds.models import Build, Cache, ProjectKey, Secret
from builds.models.job import JobKind
from builds.services.approve import approve
from builds.services.depot import JobDepot
from builds.services.plan import plan
from builds.services.plan_turn import due
from builds.services.retry import retry
from builds.services.run import job_spec
from builds.states import Status
from deployments.services.plans import may_deploy
from runners.contract import GitSource
from runners.encryption import new_key
from tests.builds.queue import add_job, claim_now
from tests.builds.webhooks.payloads import REPOSITORY, SENDERS, A, B, Proposed, push

NOON, LATER, LATEST = (f"2026-11-24T12:0{minute}:00Z" for minute in range(3))


@pytest.fixture(autouse=True)
def secrets(project, organization, settings, tmp_path):
    """One of every kind that there is."""
    settings.DATA_DIR, settings.DEPLOY_FOLDER = tmp_path, str(tmp_path / "deploy")
    project.ssh_private_key, project.pull_requests_only = "the deploy key", True
    project.save()
    Secret.objects.create(project=project, name="OF_PROJECT", value="hunter2 hunter2")
    Secret.objects.create(project=project, name="OF_STAGING", value="hunter2 hunter2", environment="staging")
    Secret.objects.create(organization=Organization.objects.get(), name="OF_ORGANIZATION", value="hunter2 hunter2")
    Secret.objects.create(project=project, name="FILE", value="hunter2 hunter2", kind="file")
    ProjectKey.objects.create(project=project, text=new_key().text)


def forked(propose, send, owner):
    propose(at=NOON)


def sent_by_a_maintainer(propose, send, owner):
    propose(sender="maintainer", author="mallory", at=NOON)


def opened_by_a_maintainer(propose, send, owner):
    propose(sender="maintainer", author="maintainer", at=NOON)


def closed(propose, send, owner):
    propose(at=NOON)
    propose("closed", at=LATER)


def reopened(propose, send, owner):
    closed(propose, send, owner)
    propose("reopened", at=LATEST)


def commented(propose, send, owner):
    propose(at=NOON)
    _, payload = SENDERS["github"].proposal(Proposed(sender="maintainer"))
    send({**payload, "action": "created", "comment": {"body": "/approve"}}, event="issue_comment")


def reviewed(propose, send, owner):
    propose(at=NOON)
    _, payload = SENDERS["github"].proposal(Proposed(sender="maintainer"))
    review = {**payload, "action": "submitted", "review": {"state": "approved"}}
    send(review, event="pull_request_review")


def pushed_by_force_after_the_approval(propose, send, owner):
    propose(at=NOON)
    approve(Build.objects.get(), user=owner)
    propose("moved", commit=B, at=LATER)


def run_again(propose, send, owner):
    propose(at=NOON)
    retry(Build.objects.get(), requested_by=owner, who=owner.email)


STORIES = [
    forked,
    sent_by_a_maintainer,
    opened_by_a_maintainer,
    closed,
    reopened,
    commented,
    reviewed,
    pushed_by_force_after_the_approval,
    run_again,
]


@pytest.fixture
def on_github(project):
    project.provider = "github"
    project.save()


@pytest.mark.parametrize("story", STORIES)
def test_nothing_of_a_fork_is_read_before_a_person_approved_the_commit(story, on_github, propose, send, owner):
    story(propose, send, owner)
    approved = Build.objects.filter(is_held=False).values_list("pk", flat=True)
    assert set(due()) == set(approved)
    for build in Build.objects.filter(is_held=True):
        plan(build.pk)  # which a stray bell could ask for
        build.refresh_from_db()
        assert build.status in {Status.WAITING, Status.CANCELLED}
        assert (build.plan, build.planned_at, build.jobs.count()) == (None, None, 0)


@pytest.mark.parametrize("kind", list(JobKind))
@pytest.mark.parametrize("story", STORIES)
def test_approved_it_is_given_nothing_and_leaves_nothing(story, kind, on_github, propose, send, owner):
    story(propose, send, owner)
    for waiting in Build.objects.filter(status=Status.WAITING).order_by("number"):
        assert approve(waiting, user=owner)
    for build in Build.objects.filter(status=Status.QUEUED):
        job = add_job(build, kind=kind)
        type(job).objects.filter(pk=job.pk).update(variables={"CI_ENVIRONMENT": "staging"})
        claimed = claim_now()
        spec = job_spec(claimed)
        assert (spec.secrets, spec.secret_files, spec.key, spec.folders) == ({}, {}, "", ())
        assert (spec.cache.writes, spec.circle, spec.is_strangers) == (False, "", True)
        assert isinstance(spec.source, GitSource)
        assert spec.source.is_strangers
        assert spec.environment["CI_PR_NUMBER"] == "7"
        assert spec.environment["CI_PULL_REQUEST"] == "https://github.com/shop/api/pull/7"
        assert "hunter2" not in "".join([*spec.environment.values(), repr(spec)])
        JobDepot(claimed).save("key", io.BytesIO(b"poison"))
        assert not Cache.objects.exists()
        assert not may_deploy(build)


def test_the_repositorys_own_pull_request_is_given_secrets_but_deploys_nothing(on_github, propose):
    propose(head=REPOSITORY)
    build = Build.objects.get()
    add_job(build)
    spec = job_spec(claim_now())
    assert set(spec.secrets) == {"OF_PROJECT", "OF_ORGANIZATION"}
    assert spec.key
    assert (spec.is_strangers, spec.cache.writes) == (False, False)
    assert not may_deploy(build)


def test_the_repositorys_own_push_is_given_all(on_github, send):
    send(push(A, B))
    build = Build.objects.get()
    add_job(build)
    spec = job_spec(claim_now())
    assert set(spec.secrets) == {"OF_PROJECT", "OF_ORGANIZATION"}
    assert set(spec.secret_files) == {"FILE"}
    assert spec.cache.writes
    assert may_deploy(build)

"""F14: pushes that are told after newer ones of their branch are built, and are not what the branch stands at."""

from __future__ import annotations

import json
from itertools import pairwise, permutations

import pytest

from builds.models import Build
from builds.services.plan import plan
from builds.states import Status
from builds.webhooks.signature import sign
from deployments.services.plans import may_deploy
from tests.runners.checkout.repositories import Repository

pytestmark = pytest.mark.django_db(transaction=True)

ZEROS = "0" * 40
REF = "refs/heads/main"


@pytest.fixture
def repository(tmp_path, project, settings):
    settings.DATA_DIR, settings.ALLOW_LOCAL_REPOSITORIES = tmp_path / "data", True
    repository = Repository(tmp_path)
    project.repository_url = str(repository.bare)
    project.save()
    return repository


@pytest.fixture
def tell(client, project):
    """Tells of a push, and plans what comes of it; the build, as it stands then."""

    def tell(before: str, after: str) -> Build:
        body = json.dumps({"ref": REF, "before": before, "after": after}).encode()
        headers = {"X-Ciservice-Signature": sign(project.hook_secret, body)}
        client.post(f"/hooks/generic/{project.uuid}", body, content_type="application/json", headers=headers)
        build = Build.objects.latest("number")
        plan(build.pk)
        build.refresh_from_db()
        return build

    return tell


@pytest.fixture
def commits(repository) -> list[str]:
    """Four that follow one another."""
    return [repository.commit(f"Change {number}", ciservice_dot_yml=STEPS) for number in range(4)]


STEPS = "steps:\n  - {name: test, run: 'true'}\n"


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_the_newest_push_alone_is_not_late_at_the_end(commits, tell, order):
    moves = list(pairwise(commits))
    for number in order:
        tell(*moves[number])
    late = dict(Build.objects.values_list("commit", "is_late"))
    told = [commits[number + 1] for number in order]
    for place, commit in enumerate(told):
        newer_before = any(commits.index(other) > commits.index(commit) for other in told[:place])
        assert late[commit] is newer_before, (order, commits.index(commit))


def test_a_branch_moved_back_is_not_late(commits, tell):
    a, b, c, _ = commits
    assert not tell(a, b).is_late
    assert not tell(b, c).is_late
    assert not tell(c, b).is_late, "somebody took the last change back"
    assert not tell(b, c).is_late, "and put it there again"


def test_a_branch_deleted_and_made_again_at_an_older_commit_is_not_late(commits, tell, client, project):
    a, b, c, _ = commits
    tell(a, c)
    tell(c, ZEROS)
    assert not tell(ZEROS, b).is_late


def test_a_new_branch_whose_first_push_is_told_last_is_late(commits, tell):
    a, b, _, _ = commits
    assert not tell(a, b).is_late
    assert tell(ZEROS, a).is_late


def test_a_late_one_supersedes_nothing_and_is_superseded(commits, tell, project):
    project.supersede = True
    project.save()
    a, b, c, _ = commits
    newer, older = tell(b, c), tell(a, b)
    newer.refresh_from_db()
    assert newer.status == Status.QUEUED
    assert (older.status, older.reason) == (Status.CANCELLED, "superseded by #1, a newer push that came first")


def test_a_late_one_deploys_nothing_and_is_on_no_badge(commits, tell, client, project):
    a, b, c, _ = commits
    newer, older = tell(b, c), tell(a, b)
    assert (may_deploy(newer), may_deploy(older)) == (True, False)
    Build.objects.filter(pk=newer.pk).update(status=Status.PASSED)
    Build.objects.filter(pk=older.pk).update(status=Status.FAILED)
    badge = client.get(f"/badges/{project.uuid}.svg", {"branch": "main"})
    assert b"passed" in badge.content
    Build.objects.all().delete()

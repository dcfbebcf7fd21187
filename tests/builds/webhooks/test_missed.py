"""Pushes whose webhook never came: found at the second look, built once, and nothing that is older."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from builds.models import Build, RepositoryLook, WebhookDelivery
from builds.models.delivery import MISSED
from builds.services import reconcile
from builds.services.missed import find_missed
from builds.tasks import reconcile as task
from builds.webhooks.signature import sign
from tests.builds.webhooks.payloads import ZEROS
from tests.runners.checkout.repositories import Repository

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def repository(tmp_path, project, settings):
    """The project's, of which one webhook told us."""
    settings.DATA_DIR, settings.ALLOW_LOCAL_REPOSITORIES = tmp_path / "data", True
    repository = Repository(tmp_path)
    project.repository_url = str(repository.bare)
    project.save()
    return repository


@pytest.fixture
def hook(client, project):
    """Tells of a push, as the host does."""

    def tell(before: str, after: str, ref: str = "refs/heads/main") -> WebhookDelivery:
        body = json.dumps({"ref": ref, "before": before, "after": after}).encode()
        answer = client.post(
            f"/hooks/generic/{project.uuid}",
            body,
            content_type="application/json",
            headers={"X-Ciservice-Signature": sign(project.hook_secret, body)},
        )
        assert answer.status_code in {200, 202}
        return WebhookDelivery.objects.latest("pk")

    return tell


@pytest.fixture
def first(repository, hook) -> str:
    """The commit that was built, and known at the first look."""
    commit = repository.commit("First")
    hook(ZEROS, commit)
    assert look() == 0
    return commit


def look() -> int:
    """The next look, whenever it is due."""
    RepositoryLook.objects.update(not_before=Now())
    return find_missed()


def commits() -> list[str]:
    return list(Build.objects.order_by("pk").values_list("commit", flat=True))


def test_a_missed_push_is_built_at_the_second_look(first, repository):
    second = repository.commit("Second")
    assert look() == 0, "its webhook may still come"
    assert look() == 1
    assert look() == 0
    assert commits() == [first, second]
    build, delivery = Build.objects.latest("pk"), WebhookDelivery.objects.latest("pk")
    assert (build.branch, build.message.strip(), build.author_name) == ("main", "Second", "Ada Lovelace")
    assert (delivery.event, delivery.before, delivery.after, delivery.build) == (MISSED, first, second, build)


def test_of_several_missed_pushes_the_head_is_built(first, repository):
    repository.commit("Second")
    third = repository.commit("Third")
    look(), look()
    assert commits() == [first, third]


def test_a_push_between_the_looks_begins_anew(first, repository):
    repository.commit("Second")
    look()
    third = repository.commit("Third")
    assert look() == 0
    assert look() == 1
    assert commits() == [first, third]


def test_a_new_branch_is_a_push_too_and_a_deleted_one_is_none(first, repository):
    repository.push("HEAD:refs/heads/topic")
    look()
    assert look() == 1, "as its webhook would have it, whatever the commit's other names"
    repository.push(":refs/heads/topic")
    assert [look(), look()] == [0, 0]
    assert [build.branch for build in Build.objects.order_by("pk")] == ["main", "topic"]
    assert "refs/heads/topic" not in RepositoryLook.objects.get().heads


def test_what_a_webhook_told_is_not_missed(first, repository, hook):
    second = repository.commit("Second")
    look()
    hook(first, second)
    assert look() == 0
    assert commits() == [first, second]


@pytest.mark.parametrize("pushes", [1, 2])
def test_a_webhook_that_comes_after_all_makes_no_second_build(first, repository, hook, pushes):
    heads = [first, *(repository.commit(f"More {number}") for number in range(pushes))]
    look(), look()
    late = hook(heads[-2], heads[-1])
    assert (late.outcome, late.build) == ("duplicate", Build.objects.get(commit=heads[-1]))
    assert commits() == [first, heads[-1]]


def test_a_head_that_comes_again_later_is_a_push_of_its_own(first, repository, hook):
    second = repository.commit("Second")
    look(), look()
    hook(second, first)  # reset, and forth again
    assert hook(first, second).outcome == "built"


def test_a_message_that_asks_for_no_build_gets_none(first, repository):
    repository.commit("Typo [skip ci]")
    look(), look()
    assert commits() == [first]
    assert WebhookDelivery.objects.latest("pk").outcome == "ignored"


def test_what_stood_there_before_the_first_look_is_never_built(repository, hook):
    repository.commit("Old")
    repository.push("HEAD:refs/heads/old")
    hook(ZEROS, "f" * 40, ref="refs/heads/elsewhere")
    look(), look()
    assert Build.objects.count() == 1


def test_a_project_without_a_webhook_is_left_alone(repository, project):
    repository.commit("First")
    assert reconcile.due() == []
    find_missed()
    assert not RepositoryLook.objects.exists()


def test_who_was_silent_for_long_is_left_alone(first):
    WebhookDelivery.objects.update(received_at=Now() - timedelta(days=reconcile.ACTIVE_DAYS + 1))
    RepositoryLook.objects.update(not_before=Now())
    assert reconcile.due() == []


def test_a_host_that_fails_is_asked_less_and_less(first, project):
    project.repository_url = "/nowhere/at/all"
    project.save()
    pauses = []
    for _ in range(3):
        look()
        found = RepositoryLook.objects.annotate(pause=Now()).get()
        pauses.append(found.not_before - found.pause)
    assert pauses[0] < pauses[1] < pauses[2]
    assert found.failures == 3


def test_a_turn_is_one_workers(first, project):
    RepositoryLook.objects.update(not_before=Now())
    assert reconcile.take(project.pk) is not None
    assert reconcile.take(project.pk) is None


def test_many_new_branches_are_built_a_few_at_a_time(first, repository, monkeypatch):
    monkeypatch.setattr(reconcile, "MOST_BUILDS", 2)
    for number in range(3):
        repository.commit(f"Branch {number}", push=False)
        repository.push(f"HEAD:refs/heads/b{number}")
    assert [look(), look(), look(), look()] == [0, 2, 1, 0]


def test_it_can_be_switched_off(first, repository, settings):
    settings.RECONCILE_MINUTES = 0
    repository.commit("Second")
    RepositoryLook.objects.update(not_before=Now())
    task(), task()
    assert commits() == [first]

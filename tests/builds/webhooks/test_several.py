"""Deliveries that tell of several refs at a time: Bitbucket's, of the Cloud and of one's own server."""

import pytest

from builds.models import Build, WebhookDelivery
from builds.webhooks.reading import MOST_CHANGES
from tests.builds.webhooks.payloads import ZEROS, A, B, C, push


@pytest.fixture(params=["bitbucket", "bitbucket_server"], autouse=True)
def host(request, project):
    project.provider = request.param
    project.save()
    return request.param


def several(*changes):
    return {**push(A, B), "changes": [push(*change[:2], ref=change[2]) for change in changes]}


PUSH = several((A, B, "refs/heads/main"), (ZEROS, C, "refs/heads/new"), (A, ZEROS, "refs/heads/old"))


def test_each_change_has_its_row_and_what_came_of_it(send):
    response = send(PUSH, delivery="d-1")
    assert response.status_code == 202
    assert [sorted(one) for one in response.json()["changes"]] == [["build", "duplicate"]] * 2 + [["ignored"]]
    assert set(Build.objects.values_list("branch", "commit")) == {("main", B), ("new", C)}
    assert list(WebhookDelivery.objects.order_by("pk").values_list("delivery_id", "outcome", "ref")) == [
        ("d-1", "built", "refs/heads/main"),
        ("d-1.1", "built", "refs/heads/new"),
        ("d-1.2", "ignored", "refs/heads/old"),
    ]


@pytest.mark.parametrize("again", ["d-1", "d-2"])
def test_told_again_nothing_is_built_twice(send, again):
    send(PUSH, delivery="d-1")
    changes = send(PUSH, delivery=again).json()["changes"]
    assert [one.get("duplicate") for one in changes[:2]] == [True, True]
    assert Build.objects.count() == 2


def test_as_text_there_is_a_line_for_each(send):
    assert len(send(PUSH, accept="text/plain").content.decode().splitlines()) == 3


def test_a_change_that_cannot_be_read_does_not_hide_the_others(send):
    response = send(several((A, B, "refs/heads/a b"), (A, B, "refs/heads/main")))
    assert response.status_code == 202
    assert Build.objects.get().branch == "main"
    assert "is not a full ref" in response.json()["changes"][0]["ignored"]


def test_there_is_a_most(send):
    response = send(several(*((ZEROS, B, f"refs/heads/b{number}") for number in range(MOST_CHANGES + 5))))
    assert Build.objects.count() == MOST_CHANGES
    assert response.json()["changes"][-1]["ignored"].startswith("5 changes more")


def test_a_push_without_changes(send):
    assert send({"push": {"changes": []}, "changes": []}, event=event_of_pushes(send)).status_code == 202


def event_of_pushes(send):
    """The event's name, which both hosts have their own of: asked of a push that is sent."""
    send(push(A, B))
    return {"bitbucket": "repo:push", "bitbucket_server": "repo:refs_changed"}[
        WebhookDelivery.objects.latest("pk").provider
    ]

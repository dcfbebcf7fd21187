"""GitHub's events beside branches that are pushed."""

import json
from urllib.parse import urlencode

import pytest

from builds.models import Build, WebhookDelivery
from builds.models.connection import Provider
from builds.webhooks.signature import sign
from tests.builds.webhooks.conftest import ZEROS, A, B, push


@pytest.fixture(autouse=True)
def _on_github(project):
    project.provider = Provider.GITHUB
    project.save()


def pull_request(action="opened", head_repo=1, base_repo=1):
    sides = {
        "head": {"ref": "feature", "sha": A, "repo": head_repo and {"id": head_repo}},
        "base": {"ref": "main", "repo": {"id": base_repo}},
    }
    return {"action": action, "number": 7, "pull_request": sides}


def test_ping_is_answered(send):
    response = send({"zen": "Keep it logically awesome.", "hook_id": 1}, event="ping")
    assert (response.status_code, response.json()) == (200, {"ignored": "GitHub says hello."})


@pytest.mark.parametrize("event", ["issues", "workflow_run", "", "x" * 199, "evil\x01", "é"])
def test_an_unknown_event_is_taken_and_ignored(send, event):
    assert send({}, event=event).status_code == 202
    assert WebhookDelivery.objects.get().outcome == "ignored"


def test_an_annotated_tag_builds_the_commit_it_points_at(send):
    send(push(ZEROS, A, ref="refs/tags/v1", head_commit={"id": B, "message": "Release"}))
    assert Build.objects.get().commit == B


def test_a_tag_of_something_else_than_a_commit(send):
    assert send(push(ZEROS, A, ref="refs/tags/v1", head_commit=None)).status_code == 202


@pytest.mark.parametrize("action", ["opened", "synchronize", "reopened"])
@pytest.mark.parametrize("head_repo", [2, None])
def test_a_pull_request_of_a_fork_is_never_built(send, action, head_repo):
    response = send(pull_request(action, head_repo=head_repo), event="pull_request")
    assert "comes from a fork" in response.json()["ignored"]
    assert not Build.objects.exists()


def test_a_pull_request_of_the_repository_was_built_as_a_branch(send):
    response = send(pull_request(), event="pull_request")
    assert response.json() == {"ignored": "Pull request #7: its pushes are built as branch feature."}
    assert not Build.objects.exists()


def test_a_closed_pull_request_builds_nothing(send):
    assert "no new commit" in send(pull_request("closed"), event="pull_request").json()["ignored"]


@pytest.mark.parametrize("number", [None, "7", -1, 2**40, True])
def test_a_pull_request_without_a_number_is_unreadable(send, number):
    assert send({**pull_request(), "number": number}, event="pull_request").status_code == 400


def test_a_form_is_read_too(client, project):
    body = urlencode({"payload": json.dumps(push())}).encode()
    response = client.post(
        f"/hooks/github/{project.uuid}",
        body,
        content_type="application/x-www-form-urlencoded",
        headers={"X-Hub-Signature-256": sign(project.hook_secret, body), "X-GitHub-Event": "push"},
    )
    assert response.status_code == 202
    assert Build.objects.get().message == "Fix tax rounding"

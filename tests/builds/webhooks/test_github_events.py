"""GitHub's events beside branches that are pushed."""

import json
from urllib.parse import urlencode

import pytest

from builds.models import Build, WebhookDelivery
from builds.models.connection import Provider
from builds.webhooks.signature import sign
from tests.builds.webhooks.payloads import ZEROS, A, B, push


@pytest.fixture(autouse=True)
def _on_github(project):
    project.provider = Provider.GITHUB
    project.save()


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


@pytest.mark.parametrize("number", [None, "7", -1, 2**40, True])
def test_a_pull_request_without_a_number_is_unreadable(send, number):
    payload = {"action": "opened", "number": number, "pull_request": {}}
    assert send(payload, event="pull_request").status_code == 400


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

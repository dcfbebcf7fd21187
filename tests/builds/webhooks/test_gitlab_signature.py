"""GitLab's signing token: the newer way to say who sends, with a time in what is signed."""

import base64
import json
import time

import pytest

from builds.models import Build, WebhookDelivery
from builds.services.signing_token import gitlab_signing_token
from tests.builds.webhooks.payloads import A, B, as_sent, gitlab_signed, push


@pytest.fixture(autouse=True)
def _on_gitlab(project):
    project.provider = "gitlab"
    project.save()


@pytest.fixture
def body():
    return json.dumps(as_sent("gitlab", push(A, B))[1]).encode()


@pytest.fixture
def post(client, project, body):
    """Sends it with these headers and none other."""

    def post(headers, sent=None):
        return client.post(
            f"/hooks/gitlab/{project.uuid}",
            sent or body,
            content_type="application/json",
            headers={"X-Gitlab-Event": "Push Hook", **headers},
        )

    return post


def test_a_right_signature_needs_no_token(post, project, body):
    assert post(gitlab_signed(project.hook_secret, body)).status_code == 202
    assert Build.objects.get().commit == B


def test_its_id_is_the_deliverys(post, project, body):
    for _ in range(2):
        post(gitlab_signed(project.hook_secret, body, told="msg-9"))
    assert set(WebhookDelivery.objects.values_list("delivery_id", "outcome")) == {
        ("msg-9", "built"),
        ("msg-9", "duplicate"),
    }


def test_a_right_token_does_not_make_up_for_a_wrong_signature(post, project, body):
    headers = {**gitlab_signed("wrong", body), "X-Gitlab-Token": project.hook_secret}
    assert post(headers).status_code == 403
    assert "webhook-signature" in WebhookDelivery.objects.get().reason


@pytest.mark.parametrize("seconds", [-290, 290])
def test_clocks_may_differ_by_some_minutes(post, project, body, seconds):
    assert post(gitlab_signed(project.hook_secret, body, at=time.time() + seconds)).status_code == 202


@pytest.mark.parametrize("seconds", [-310, 310, -(10**6)])
def test_what_was_signed_long_ago_is_a_replay(post, project, body, seconds):
    assert post(gitlab_signed(project.hook_secret, body, at=time.time() + seconds)).status_code == 403
    assert "five minutes" in WebhookDelivery.objects.get().reason
    assert not Build.objects.exists()


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "body"])
def test_everything_that_is_signed_counts(post, project, body, name):
    headers = gitlab_signed(project.hook_secret, body)
    if name in headers:
        headers[name] += "1"
    assert post(headers, body + b" " if name == "body" else body).status_code == 403


@pytest.mark.parametrize("at", ["", "now", "-5", "1e9", "٣٤٥", "9" * 30])
def test_a_time_that_is_none(post, project, body, at):
    headers = {**gitlab_signed(project.hook_secret, body), "webhook-timestamp": at}
    assert post(headers).status_code == 403


@pytest.mark.parametrize("signature", ["", "v1,", "v1", "é", "v2,x", " " * 100, "v1,x " * 10_000])
def test_a_signature_that_is_none(post, project, body, signature):
    headers = {**gitlab_signed(project.hook_secret, body), "webhook-signature": signature}
    assert post(headers).status_code == 403


def test_one_right_signature_of_several_is_enough(post, project, body):
    headers = gitlab_signed(project.hook_secret, body)
    headers["webhook-signature"] = f"v1,d3Jvbmc= {headers['webhook-signature']}"
    assert post(headers).status_code == 202


def test_no_secret_lets_nobody_in(post, project, body):
    type(project).objects.update(hook_secret="")
    assert post(gitlab_signed("", body)).status_code == 403


def test_the_token_that_people_give_to_gitlab_holds_the_key(project):
    word, _, rest = gitlab_signing_token(project.hook_secret).partition("_")
    assert (word, base64.b64decode(rest).decode()) == ("whsec", project.hook_secret)

"""The webhook of any git server, and what its post-receive script adds."""

import base64

import pytest

from builds.models import Build, WebhookDelivery
from tests.builds.webhooks.payloads import ZEROS, A, B, push


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def test_the_least_that_builds(send):
    assert send({"ref": "refs/heads/main", "after": A}, event=None).status_code == 202
    build = Build.objects.get()
    assert (build.commit, build.message, build.author_name) == (A, "", "")


@pytest.mark.parametrize("pusher", ["ada", {"name": "ada"}])
def test_who_pushed(send, pusher):
    send(push(pusher=pusher))
    assert Build.objects.get().author_username == "ada"


def test_ping(send):
    response = send({}, event="ping")
    assert (response.status_code, response.json()) == (200, {"ignored": "The git server says hello."})


def test_another_event_is_ignored(send):
    assert send(push(), event="repack").status_code == 202
    assert WebhookDelivery.objects.get().outcome == "ignored"


def test_the_scripts_commit_is_read(send):
    told = encoded(f"{B}\nAda\nada@example.com\nFix tax\n\nBody\n\n")
    send({"ref": "refs/tags/v1", "before": ZEROS, "after": A, "commit_base64": told})
    build = Build.objects.get()
    assert (build.commit, build.message, build.author_name) == (B, "Fix tax\n\nBody", "Ada")
    assert build.author_email == "ada@example.com"


def test_the_scripts_commit_can_ask_for_no_build(send):
    told = encoded(f"{A}\nAda\nada@example.com\nDocs [skip ci]\n")
    assert "ignored" in send({"ref": "refs/heads/main", "after": A, "commit_base64": told}).json()


@pytest.mark.parametrize("told", [f"{A}\n", A, f"{A}\nAda", f"{A}\n\n\n\n"])
def test_a_commit_with_less_is_read_too(send, told):
    assert send({"ref": "refs/heads/main", "after": A, "commit_base64": encoded(told)}).status_code == 202


@pytest.mark.parametrize("told", ["!", "YQ", encoded("no commit\nx"), "é", encoded("\n")])
def test_a_broken_commit_is_refused(send, told):
    response = send({"ref": "refs/heads/main", "before": ZEROS, "after": A, "commit_base64": told})
    assert response.status_code == 400
    assert "commit_base64" in response.json()["errors"][0]

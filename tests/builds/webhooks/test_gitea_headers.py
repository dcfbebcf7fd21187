"""Gitea and Forgejo send their headers under several names: each alone is enough, and a wrong one is never made up for."""

import json

import pytest

from builds.models import Build, WebhookDelivery
from builds.webhooks.signature import sign
from tests.builds.webhooks.payloads import A, B, as_sent, push


@pytest.fixture
def post(client, project):
    project.provider = "gitea"
    project.save()
    body = json.dumps(as_sent("gitea", push(A, B))[1]).encode()

    def post(**headers):
        right = sign(project.hook_secret, body)
        values = {"hex": right.removeprefix("sha256="), "sha256": right}
        named = {name.replace("_", "-"): values.get(value, value) for name, value in headers.items()}
        return client.post(f"/hooks/gitea/{project.uuid}", body, content_type="application/json", headers=named)

    return post


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Gitea_Signature": "hex", "X_Gitea_Event": "push", "X_Gitea_Delivery": "d"},
        {"X_Forgejo_Signature": "hex", "X_Forgejo_Event": "push", "X_Forgejo_Delivery": "d"},
        {"X_Hub_Signature_256": "sha256", "X_Gitea_Event": "push", "X_Gitea_Delivery": "d"},
        {"X_Gitea_Signature": "hex", "X_Hub_Signature_256": "wrong", "X_Gitea_Event": "push", "X_Gitea_Delivery": "d"},
    ],
    ids=["gitea", "forgejo", "hub", "both"],
)
def test_each_name_is_enough(post, headers):
    assert post(**headers).status_code == 202
    assert Build.objects.get().commit == B
    assert WebhookDelivery.objects.get().delivery_id == "d"


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Gitea_Signature": "sha256"},
        {"X_Hub_Signature_256": "hex"},
        {"X_Gitea_Signature": "wrong", "X_Hub_Signature_256": "sha256"},
        {"X_Gitea_Signature": "", "X_Forgejo_Signature": "hex"},
        {"X_Gogs_Signature": "hex"},
        {},
    ],
)
def test_anything_else_is_refused(post, headers):
    assert post(**headers, X_Gitea_Event="push").status_code == 403
    assert not Build.objects.exists()

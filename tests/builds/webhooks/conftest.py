"""What the tests of the webhook door share: a signed request of each git host."""

from __future__ import annotations

import json

import pytest

from builds.models.connection import Provider
from builds.webhooks.signature import sign

ZEROS = "0" * 40
A, B, C = ("a" * 40, "b" * 40, "c" * 40)

SIGNATURE_HEADERS = {"github": "X-Hub-Signature-256", "generic": "X-Ciservice-Signature"}
EVENT_HEADERS = {"github": "X-GitHub-Event", "generic": "X-Ciservice-Event"}
DELIVERY_HEADERS = {"github": "X-GitHub-Delivery", "generic": "X-Ciservice-Delivery"}


def push(before=ZEROS, after=A, ref="refs/heads/main", message="Fix tax rounding", **more):
    """A push as both hosts read it; `more` is merged in."""
    author = {"name": "Ada", "email": "ada@example.com", "username": "ada"}
    head = None if after == ZEROS else {"id": after, "message": message, "author": author}
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "head_commit": head,
        "message": message,
        "author": author,
        **more,
    }


@pytest.fixture(params=["github", "generic"])
def provider(request, project):
    """Each git host in turn; the project lives there."""
    project.provider = Provider(request.param)
    project.save()
    return request.param


@pytest.fixture
def send(client, project):
    """Sends a payload (or raw bytes) to the project's hook, signed; everything may be given otherwise."""

    def send(payload, *, event="push", delivery=None, secret=None, to=None, headers=None, accept="application/json"):
        to = to or project
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        own = {
            SIGNATURE_HEADERS[to.provider]: sign(secret or to.hook_secret, body),
            EVENT_HEADERS[to.provider]: event,
            "Accept": accept,
        }
        if delivery:
            own[DELIVERY_HEADERS[to.provider]] = delivery
        own.update(headers or {})
        given = {name: value for name, value in own.items() if value is not None}
        url = f"/hooks/{to.provider}/{to.uuid}"
        return client.post(url, body, content_type="application/json", headers=given)

    return send

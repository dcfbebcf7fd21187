"""What the tests of the webhook door share: a signed request of each git host."""

from __future__ import annotations

import json

import pytest

from builds.models.connection import Provider
from tests.builds.webhooks.payloads import SENDERS, WITH_PROPOSALS, Proposed, as_sent, push


def _moved(project, provider):
    project.provider = Provider(provider)
    project.save()
    return provider


@pytest.fixture(params=list(SENDERS))
def provider(request, project):
    """Each git host in turn; the project lives there."""
    return _moved(project, request.param)


@pytest.fixture(params=WITH_PROPOSALS)
def proposing(request, project):
    """Each git host that has pull or merge requests; the project lives there."""
    project.repository_url = {"bitbucket": "git@bitbucket.org:shop/api.git"}.get(request.param, project.repository_url)
    return _moved(project, request.param)


@pytest.fixture
def send(client, project):
    """Sends a payload (or raw bytes) to the project's hook, signed; everything may be given otherwise.

    What `payloads.push` made is sent as the project's host tells it, where no event is given.
    """

    def send(payload, *, event=..., delivery=None, secret=None, to=None, headers=None, accept="application/json"):
        to = to or project
        sender = SENDERS[to.provider]
        usual, shaped = as_sent(to.provider, payload if _is_push(payload) else push())
        shaped = shaped if _is_push(payload) and event is ... else payload
        body = shaped if isinstance(shaped, bytes) else json.dumps(shaped).encode()
        own = {
            **sender.headers(secret or to.hook_secret, body),
            sender.event: usual if event is ... else event,
            "Accept": accept,
        }
        if delivery:
            own[sender.delivery] = delivery
        own.update(headers or {})
        given = {name: value for name, value in own.items() if value is not None}
        url = f"/hooks/{to.provider}/{to.uuid}"
        return client.post(url, body, content_type="application/json", headers=given)

    return send


def _is_push(payload) -> bool:
    return isinstance(payload, dict) and "head_commit" in payload


@pytest.fixture
def propose(send, project):
    """Tells what became of a pull request, as the project's host does: `propose("moved", commit=B)`."""

    def propose(what="opened", *, delivery=None, **fields):
        event, payload = SENDERS[project.provider].proposal(Proposed(what=what, **fields))
        return send(payload, event=event, delivery=delivery)

    return propose

"""Runners and halts through the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import User
from builds.models import Halt, Runner, WebhookDelivery
from builds.services.claim import claim
from builds.services.pulse import beat
from builds.services.receive import Incoming, receive
from builds.services.trigger import BuildRequest
from tests.builds.queue import RUNNER, add_job, claim_now

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def row(db) -> Runner:
    return beat(RUNNER, capacity=2, executor="fake", draining=False)


@pytest.fixture
def root(api_of):
    """A client that acts as an administrator."""
    return api_of(User.objects.create_superuser("root@example.com", "correct horse battery"))


def state(client) -> str:
    [runner] = client.get("/v2/runners").json()["runners"]
    return runner["state"]


def test_it_tells_what_runs_to_who_may_see_it(api, api_of, stranger, row, make_build):
    add_job(make_build())
    claim_now()
    [mine] = api.get("/v2/runners").json()["runners"]
    [theirs] = api_of(stranger).get("/v2/runners").json()["runners"]
    assert (mine["used"], mine["capacity"], mine["state"]) == (1, 2, "ready")
    assert mine["jobs"][0]["build_url"].endswith("/builds/1/")
    assert (theirs["used"], theirs["jobs"]) == (1, [])


def test_states_follow_what_it_is_told(root, row):
    url = f"/v2/runners/{row.pk}"
    assert root.post(f"{url}/pause", {"reason": "New kernel"}, content_type=JSON).json()["runner"]["state"] == "paused"
    assert root.post(f"{url}/resume", content_type=JSON).json()["runner"]["state"] == "ready"
    assert root.post(f"{url}/drain", content_type=JSON).json()["runner"]["state"] == "draining"
    assert root.delete(url).status_code == 400, "it is alive"
    assert root.post(f"{url}/revoke", content_type=JSON).json()["runner"]["state"] == "revoked"
    Runner.objects.update(revoked_at=None, drain_at=None, seen_at=Now() - timedelta(hours=1))
    assert state(root) == "gone"
    assert root.delete(url).status_code == 204
    assert root.post(f"{url}/pause", content_type=JSON).status_code == 404


@pytest.mark.parametrize("act", ["pause", "resume", "drain", "revoke"])
def test_only_administrators_tell_it(api, row, act):
    assert api.post(f"/v2/runners/{row.pk}/{act}", content_type=JSON).status_code == 403
    assert api.delete(f"/v2/runners/{row.pk}").status_code == 403
    assert api.post("/v2/runners/tokens", content_type=JSON).status_code == 403
    assert state(api) == "ready"


def test_a_token_for_a_machine(root, settings, organization):
    settings.RUNNER_DATABASE_URL, settings.RUNNER_REDIS_URL = "postgres://ci@10.0.0.1/ci", "redis://10.0.0.1/0"
    asked = {"serves": "trusted", "organization_uuid": str(organization.uuid)}
    made = root.post("/v2/runners/tokens", asked, content_type=JSON).json()
    assert made["command"] == f"ciservice join {settings.PUBLIC_URL} {made['token']}"
    assert made["expires_in"] == 3600


def test_while_work_is_halted_pushes_are_taken_and_wait(api, row, project, organization):
    url = f"/v2/organizations/{organization.uuid}/halt"
    assert api.post(url, {"reason": "Registry compromised"}, content_type=JSON).status_code == 201
    request = BuildRequest(ref="refs/heads/main", branch="main", commit="a" * 40)
    [delivery] = receive(project, Incoming(event="push", request=request, after="a" * 40))
    add_job(delivery.build)
    assert WebhookDelivery.objects.get().build == delivery.build
    assert claim(RUNNER) is None
    jobs = f"/v2/organizations/{organization.uuid}/projects/{project.uuid}/builds/{delivery.build.uuid}/jobs"
    told = api.get(jobs).json()
    assert told["waiting_reason"] == "New work of Shop was halted by owner@example.com: Registry compromised"
    assert told["estimated_start"] is None
    assert [each["reason"] for each in api.get("/v2/halts").json()["halts"]] == ["Registry compromised"]
    assert api.delete(url).status_code == 204
    assert claim(RUNNER) is not None
    assert api.get("/v2/halts").json()["halts"] == []


def test_who_may_halt(api, root, api_of, member, stranger, organization):
    one, everything = f"/v2/organizations/{organization.uuid}/halt", "/v2/halt"
    asked = {"reason": "x"}
    assert api_of(member).post(one, asked, content_type=JSON).status_code == 403
    assert api_of(stranger).post(one, asked, content_type=JSON).status_code == 404
    assert api.post(everything, asked, content_type=JSON).status_code == 403
    assert api.delete(everything).status_code == 403
    assert not Halt.objects.exists()
    assert root.post(everything, asked, content_type=JSON).status_code == 201
    assert api.delete(one).status_code == 204
    assert Halt.objects.filter(ended_at=None).exists(), "that of the instance still holds"

"""What a token is good for: every operation has its line in the table, and the door keeps to it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, Membership, Organization, Role
from accounts.scopes import Scope
from accounts.services.tokens import make_token
from builds.api.scopes import SCOPES
from builds.logs import live
from builds.models import Build
from ciservice.urls import api as ninja_api

pytestmark = pytest.mark.django_db
DOCUMENT = ninja_api.get_openapi_schema(path_prefix="/v2/")
OPERATIONS = {operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()}
OPEN = {"log_in"}


@pytest.fixture
def client_with(owner):
    """Makes a client with a token of the owner's that is good for some scopes, or one organisation."""

    def make(*scopes: str, **limits: object) -> Client:
        _, raw = make_token(owner, "limited", scopes=scopes or None, **limits)
        return Client(headers={"Authorization": f"Bearer {raw}"})

    return make


def test_every_operation_has_its_scope():
    assert set(OPERATIONS) - OPEN <= set(SCOPES)


def test_the_document_names_scopes_and_refusals():
    for name, operation in OPERATIONS.items():
        answers = {str(code) for code in operation["responses"]}
        assert {"400", "401"} <= answers, name
        if name not in OPEN:
            assert "403" in answers, name
            assert operation["security"], name
            assert operation["x-scope"] == SCOPES[name], name


def test_a_token_does_what_its_scopes_say(client_with, builds_url, projects_url, make_build):
    reading = client_with("build.read")
    build = make_build()
    assert reading.get(f"{builds_url}/{build.uuid}").status_code == 200
    refused = reading.post(f"{builds_url}/{build.uuid}/stop")
    assert refused.status_code == 403
    assert "lacks the scope build.write" in refused.json()["errors"][0]
    assert reading.get(projects_url).status_code == 403
    assert Build.objects.get().status == "queued"
    assert client_with("build.write").post(f"{builds_url}/{build.uuid}/stop").status_code == 202


def test_a_scope_gives_no_right_that_the_person_lacks(member, builds_url, make_build):
    _, raw = make_token(member, "limited", scopes=["build.write"])
    stop = Client(headers={"Authorization": f"Bearer {raw}"}).post(f"{builds_url}/{make_build().uuid}/stop")
    assert stop.status_code == 403


def test_a_token_of_one_organisation_sees_no_other(client_with, owner, organization, builds_url, projects_url):
    other = Organization.objects.create(name="Second", slug="second")
    Membership.objects.create(user=owner, organization=other, role=Role.OWNER)
    bound = client_with(organization=other)
    assert [one["name"] for one in bound.get("/v2/organizations").json()["organizations"]] == ["Second"]
    assert bound.get(f"/v2/organizations/{other.uuid}/projects").status_code == 200
    assert bound.get(projects_url).status_code == 404
    assert bound.get(builds_url).status_code == 404
    assert bound.get("/api/v1/projects.json").json()["projects"] == []
    assert len(client_with().get("/v2/organizations").json()["organizations"]) == 2


def test_the_secret_key_of_a_project_needs_more_than_reading(client_with, api, projects_url, project):
    api.post(f"{projects_url}/{project.uuid}/reset_aes_key")
    url = f"{projects_url}/{project.uuid}"
    assert client_with("project.read").get(url).json()["project"]["aes_key"] is None
    assert client_with("project.read", "project.write").get(url).json()["project"]["aes_key"]


def test_a_token_is_known_by_one_query(client_with, django_assert_num_queries):
    client = client_with("build.read")
    client.get("/v2/token")
    with django_assert_num_queries(1):
        client.get("/v2/token")


def test_making_listing_and_revoking(api, owner, organization):
    asked = {"name": "ci", "scopes": ["build.read"], "organization_uuid": str(organization.uuid), "days": 7}
    made = api.post("/v2/tokens", json.dumps(asked), content_type="application/json")
    assert made.status_code == 201
    token = made.json()["token"]
    assert (token["scopes"], token["organization_uuid"]) == (["build.read"], str(organization.uuid))
    row = ApiToken.objects.get(pk=token["id"])
    assert timedelta(days=6) < row.expires_at - timezone.now() <= timedelta(days=7)
    used = Client(headers={"Authorization": token["token"]}).get("/v2/token").json()
    assert (used["person"]["email"], used["scopes"]) == (owner.email, ["build.read"])
    listed = api.get("/v2/tokens").content.decode()
    assert token["prefix"] in listed
    assert token["token"] not in listed
    assert api.delete(f"/v2/tokens/{token['id']}").status_code == 204
    assert api.delete(f"/v2/tokens/{token['id']}").status_code == 404
    assert Client(headers={"Authorization": token["token"]}).get("/v2/token").status_code == 401


def test_nobody_revokes_anothers(api, api_of, stranger):
    token, _ = make_token(stranger, "theirs")
    assert api.delete(f"/v2/tokens/{token.pk}").status_code == 404
    assert ApiToken.objects.filter(pk=token.pk).exists()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"name": "x", "scopes": ["build.write"], "days": 1}, 403),
        ({"name": "x", "scopes": ["build.read"], "days": 365}, 403),
        ({"name": "x", "scopes": ["build.read"], "days": None}, 403),
        ({"name": "x", "scopes": ["nonsense"]}, 400),
        ({"name": ""}, 400),
        ({"name": "x\0", "days": 1}, 400),
        ({"name": "x", "scopes": ["build.read"], "days": 1}, 201),
    ],
)
def test_no_token_makes_one_that_is_good_for_more(client_with, asked, status):
    client = client_with("token.write", "build.read", expires_at=timezone.now() + timedelta(days=30))
    answer = client.post("/v2/tokens", json.dumps(asked), content_type="application/json")
    assert answer.status_code == status, answer.content


def test_a_token_without_the_scope_makes_none(client_with):
    assert (
        client_with(*[scope for scope in Scope.values if scope != "token.write"]).get("/v2/tokens").status_code == 403
    )


def test_a_wrong_scope_is_named(owner):
    with pytest.raises(ValueError, match="'build.fly' is no scope: use some of project.read"):
        make_token(owner, "x", scopes=["build.fly"])


def test_too_many_requests_in_a_minute(api, api_of, member, settings):
    settings.API_REQUESTS_A_MINUTE = 3
    answers = [api.get("/v2/organizations") for _ in range(8)]  # a minute may end in between
    refused = [answer for answer in answers if answer.status_code == 403]
    assert 2 <= len(refused) <= 5
    assert refused[0].json() == {"errors": ["Rate Limit Exceeded"]}
    assert 0 < int(refused[0]["Retry-After"]) <= 60
    assert refused[0]["X-RateLimit-Limit"] == "3"
    assert api_of(member).get("/v2/organizations").status_code == 200
    live.disconnect()


def test_nobody_is_refused_while_redis_is_away(api, settings, tmp_path):
    settings.API_REQUESTS_A_MINUTE = 1
    settings.REDIS_URL = f"unix://{tmp_path}/none"
    assert [api.get("/v2/organizations").status_code for _ in range(4)] == [200] * 4
    live.disconnect()

"""Who the API lets in, and how."""

import base64
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiToken, Role
from accounts.services.tokens import make_token, revoke_token

PASSWORD = "correct horse battery"
REFUSED = {"error": "Unauthorized"}


def basic(email, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{email}:{password}".encode()).decode()}


def test_a_password_gives_a_token_for_an_hour(client, owner, organization):
    response = client.post("/v2/auth", headers=basic(owner.email, PASSWORD))
    assert response.status_code == 200
    given = response.json()
    assert given["organizations"] == [
        {
            "uuid": str(organization.uuid),
            "name": "shop",  # CodeShip's client looks for it in lower case
            "scopes": ["project.read", "build.read", "project.write", "build.write"],
        }
    ]
    assert 3500 < given["expires_at"] - timezone.now().timestamp() <= 3600
    listed = client.get("/v2/organizations", headers={"Authorization": given["access_token"]})
    assert listed.json()["organizations"] == [{**given["organizations"][0], "name": "Shop"}]


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        (Role.CONTRIBUTOR, ["project.read", "build.read", "build.write"]),
        (Role.PROJECT_MANAGER, ["project.read", "build.read", "project.write", "build.write"]),
    ],
)
def test_scopes_follow_the_role(api_of, make_user, organization, role, scopes):
    api = api_of(make_user("someone@example.com", organization, role))
    assert api.get("/v2/organizations").json()["organizations"][0]["scopes"] == scopes


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("owner@example.com", "wrong"),
        basic("nobody@example.com", PASSWORD),
        basic("", ""),
        basic("owner@example.com\0", PASSWORD),
        basic("owner@example.com", "\0"),
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:x").decode()},
        {"Authorization": "Bearer owner@example.com:" + PASSWORD},
    ],
)
def test_anything_else_is_refused_in_the_same_words(client, owner, headers):
    response = client.post("/v2/auth", headers=headers)
    assert (response.status_code, response.json()) == (401, REFUSED)
    assert not ApiToken.objects.exists()


def test_guessing_closes_the_door(client, owner):
    for _ in range(10):
        assert client.post("/v2/auth", headers=basic(owner.email, "wrong")).status_code == 401
    response = client.post("/v2/auth", headers=basic(owner.email, PASSWORD))
    assert (response.status_code, response.json()) == (
        429,
        {"errors": ["Too many attempts: try again in five minutes."]},
    )


@pytest.mark.parametrize("scheme", ["Bearer {}", "bearer {}", "token {}", "Token {}", "{}", " {} ", "Bearer   {}"])
def test_a_token_may_be_sent_in_three_ways(client, owner, scheme):
    _, raw = make_token(owner, "x")
    assert client.get("/v2/organizations", headers={"Authorization": scheme.format(raw)}).status_code == 200


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic {}", "Digest {}", "Bearer {} x", "Bearer x{}", "Bearer é"]
)
def test_nothing_else_lets_in(client, owner, value):
    _, raw = make_token(owner, "x")
    response = client.get("/v2/organizations", headers={"Authorization": value.format(raw)})
    assert (response.status_code, response.json()) == (401, REFUSED)
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_token_in_the_address_lets_nobody_in(client, owner):
    _, raw = make_token(owner, "x")
    for name in ("token", "access_token", "api_key"):
        assert client.get(f"/v2/organizations?{name}={raw}").status_code == 401


def test_a_log_in_of_the_pages_lets_nobody_in(client, owner):
    client.force_login(owner)
    assert client.get("/v2/organizations").status_code == 401


@pytest.mark.parametrize("end", ["revoked", "expired", "inactive"])
def test_a_token_that_ended_lets_nobody_in(client, owner, end):
    token, raw = make_token(owner, "x")
    if end == "revoked":
        revoke_token(owner, token.pk)
    elif end == "expired":
        ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        owner.is_active = False
        owner.save()
    assert client.get("/v2/organizations", headers={"Authorization": f"Bearer {raw}"}).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/v2", "/v2/", "/v2/nothing", "/v2/organizations/x/projects", "/v2/../login", "/v2/docs"]
)
def test_what_is_no_route_is_absent_in_json(client, path):
    response = client.get(path)
    assert response.status_code == 404 or response["Location"] == "/v2/"


def test_the_document_can_be_read_by_anybody(client, db):
    document = client.get("/v2/openapi.json").json()
    assert document["info"]["title"] == "ciservice"
    assert "/v2/auth" in document["paths"]

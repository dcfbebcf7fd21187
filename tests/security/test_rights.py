"""The table of rights, cell by cell, through HTTP: who has a right is let in by page and API, who lacks it gets a 403."""

from __future__ import annotations

import json

import pytest

from accounts.models import Role
from accounts.services.tokens import make_token
from builds.access import RIGHTS, Right

# Streams and their look-ups work in threads of their own, which see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

OWN, MAN, PRO, CON = Role.OWNER, Role.MANAGER, Role.PROJECT_MANAGER, Role.CONTRIBUTOR
# CodeShip's table, and ours below it, as they are promised in docs/accounts.md: written down here a second time.
PROMISED: dict[Right, set[Role]] = {
    Right.CHANGE_ORGANIZATION: {OWN},
    Right.DELETE_ORGANIZATION: {OWN},
    Right.EXPORT_ORGANIZATION: {OWN},
    Right.MANAGE_TEAMS: {OWN, MAN},
    Right.UPDATE_TEAM: {OWN, MAN, PRO},
    Right.CREATE_PROJECT: {OWN, MAN, PRO},
    Right.CHANGE_PROJECT: {OWN, MAN, PRO},
    Right.VIEW_ALL_PROJECTS: {OWN, MAN},
    Right.DELETE_PROJECT: {OWN, MAN},
    Right.TRANSFER_PROJECT: {OWN, MAN},
    Right.VIEW_PROJECT: {OWN, MAN, PRO, CON},
    Right.RESTART_BUILD: {OWN, MAN, PRO, CON},
    Right.STOP_BUILD: {OWN, MAN, PRO},
    Right.APPROVE: {OWN, MAN},
    Right.DEPLOY: {OWN, MAN, PRO},
    Right.OVERRIDE_WINDOW: {OWN, MAN},
    Right.MANAGE_MEMBERS: {OWN, MAN},
    Right.MANAGE_SECRETS: {OWN, MAN},
    Right.CONNECT: {OWN, MAN},
    Right.SEE_AUDIT: {OWN, MAN},
    Right.HALT: {OWN, MAN},
}
# One act for each right: (method, page or API, route). `{...}` are names of the world of addresses.
_ORGANIZATION = "/organizations/{organization_uuid}"
_PROJECT, _BUILD = "/projects/{uuid}", "/projects/{uuid}/builds/{number}"
_API = "/v2/organizations/{organization_uuid}"
_API_PROJECT = f"{_API}/projects/{{uuid}}"
_API_BUILD = f"{_API_PROJECT}/builds/{{build_uuid}}"
ACTS: dict[Right, list[tuple[str, str]]] = {
    Right.CHANGE_ORGANIZATION: [("POST", f"{_ORGANIZATION}/settings")],
    Right.DELETE_ORGANIZATION: [("GET", f"{_ORGANIZATION}/delete")],
    Right.EXPORT_ORGANIZATION: [("POST", f"{_ORGANIZATION}/exports")],
    Right.MANAGE_TEAMS: [("POST", f"{_ORGANIZATION}/teams")],
    Right.UPDATE_TEAM: [("POST", f"{_ORGANIZATION}/teams/{{team_uuid}}")],
    Right.CREATE_PROJECT: [("POST", f"{_API}/projects")],
    Right.CHANGE_PROJECT: [
        ("POST", f"{_PROJECT}/settings"),
        ("PUT", f"{_API_PROJECT}/environments/{{environment_uuid}}/secrets/TOKEN"),
    ],
    Right.VIEW_ALL_PROJECTS: [("GET", "/projects/{hidden}/"), ("GET", f"{_API}/projects/{{hidden}}")],
    Right.DELETE_PROJECT: [("GET", f"{_PROJECT}/settings/delete")],
    Right.TRANSFER_PROJECT: [("GET", f"{_PROJECT}/settings/transfer")],
    Right.VIEW_PROJECT: [("GET", f"{_PROJECT}/"), ("GET", _API_PROJECT)],
    Right.RESTART_BUILD: [("POST", f"{_BUILD}/retry"), ("POST", f"{_API_BUILD}/restart")],
    Right.STOP_BUILD: [("POST", f"{_BUILD}/cancel"), ("POST", f"{_API_BUILD}/stop")],
    Right.APPROVE: [("POST", f"{_BUILD}/approve"), ("POST", f"{_API_BUILD}/approve")],
    Right.DEPLOY: [
        ("POST", f"{_PROJECT}/releases/1/irreversible"),
        ("POST", f"{_API_PROJECT}/environments/{{environment_uuid}}/deploy"),
    ],
    Right.OVERRIDE_WINDOW: [
        ("POST", f"{_PROJECT}/deployments/{{deployment_uuid}}/override"),
        ("POST", f"{_API_PROJECT}/deployments/{{deployment_uuid}}/override"),
    ],
    Right.MANAGE_MEMBERS: [("POST", f"{_ORGANIZATION}/invitations")],
    Right.MANAGE_SECRETS: [("POST", f"{_ORGANIZATION}/secrets"), ("GET", f"{_API}/secrets")],
    Right.CONNECT: [("GET", f"{_ORGANIZATION}/connections")],
    Right.HALT: [("POST", f"{_API}/halt")],
    Right.SEE_AUDIT: [("GET", f"{_ORGANIZATION}/audit"), ("GET", f"{_API}/audit")],
}
BODY = json.dumps(
    {"release": 1, "reason": "Broken", "value": "Kept", "repository_url": "https://git.example.com/shop/new.git"}
)


@pytest.fixture
def places(world, organization, owner):
    """Where the acts lead; `hidden` is a project of a team that nobody is in."""
    hidden = organization.projects.create(name="shop/hidden", repository_url="https://git.example.com/shop/hidden.git")
    hidden.teams.add(organization.teams.create(name="Nobody"))
    return {name: str(value) for name, value in world.items()} | {"hidden": str(hidden.uuid)}


@pytest.fixture
def member_with(make_user, organization, places):
    """Makes a member with a role, who is in the project's team."""

    def make(role):
        user = make_user(f"a-{role}@example.com", organization, role)
        organization.teams.get(name="Backend").members.add(user)
        return user

    return make


def act(client, user, method, address, places):
    """The status of one act; the API is asked with a token, a page with a session."""
    url = address.format(**places)
    headers = {}
    if url.startswith("/v2/"):
        headers["authorization"] = f"Bearer {make_token(user, 'test')[1]}"
    else:
        client.force_login(user)
    return client.generic(method, url, BODY, content_type="application/json", headers=headers).status_code


def test_every_right_has_a_row_and_an_act():
    assert set(PROMISED) == set(Right) == set(ACTS)


def test_a_role_has_what_the_lower_ones_have():
    assert RIGHTS[CON] < RIGHTS[PRO] < RIGHTS[MAN] < RIGHTS[OWN] == frozenset(Right)


@pytest.mark.parametrize("role", Role)
def test_each_cell_of_a_role_holds_on_pages_and_in_the_api(role, client, member_with, places):
    user, wrong = member_with(role), []
    for right, addresses in ACTS.items():
        for method, address in addresses:
            status = act(client, user, method, address, places)
            # Who does not see a project is not told that it is there.
            refusal = 404 if right == Right.VIEW_ALL_PROJECTS else 403
            allowed = role in PROMISED[right]
            is_right = status < 500 and status not in {401, 403, 404, 405} if allowed else status == refusal
            if not is_right:
                wrong.append(f"{role}: {right.name} {method} {address}: {status}, allowed: {allowed}")
    assert not wrong, "\n".join(wrong)


def test_to_a_stranger_nothing_is_there(client, stranger, places):
    for addresses in ACTS.values():
        for method, address in addresses:
            assert act(client, stranger, method, address, places) == 404, address


@pytest.mark.parametrize(("team_role", "allowed"), [(CON, False), (PRO, True)])
def test_a_teams_role_raises_in_its_projects_alone(team_role, allowed, client, member_with, organization, places):
    user = member_with(CON)
    organization.teams.filter(name="Backend").update(role=team_role)
    status = act(client, user, "POST", f"{_BUILD}/cancel", places)
    assert (status == 302) is allowed
    assert act(client, user, "POST", f"{_ORGANIZATION}/teams", places) == 403
    organization.teams.filter(name="Backend").update(role=OWN)
    assert act(client, user, "GET", f"{_ORGANIZATION}/audit", places) == 403
    assert act(client, user, "GET", f"{_ORGANIZATION}/delete", places) == 403

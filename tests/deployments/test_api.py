"""Environments and deployments through the API."""

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.services.tokens import make_token
from builds.states import Status
from deployments.models import Deployment
from tests.deployments.conftest import of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_attempts_yet():
    cache.clear()


@pytest.fixture
def base(organization, project):
    return f"/v2/organizations/{organization.uuid}/projects/{project.uuid}"


def api(user):
    _, raw = make_token(user, "test")
    return Client(headers={"Authorization": f"Bearer {raw}"})


def test_environments_and_deployments_are_listed(release, end, member, base):
    end(of(release(), "staging"))
    release(commit="b" * 40)
    staging, production = api(member).get(f"{base}/environments").json()["environments"]
    assert (staging["name"], staging["live"]["release"], staging["coming"][0]["release"]) == ("staging", 1, 2)
    assert (production["after"], production["live"], production["coming"][0]["state"]) == (
        "staging",
        None,
        "rolling_out",
    )
    page = api(member).get(f"{base}/deployments?per_page=2").json()
    assert (page["total"], [each["environment"] for each in page["deployments"]]) == (3, ["staging", "production"])
    one = page["deployments"][0]
    whole = api(member).get(f"{base}/deployments/{one['uuid']}").json()["deployment"]
    assert {name: whole[name] for name in one} == one
    assert [stage["percent"] for stage in whole["stages"]] == [100]


def test_deploy_roll_back_and_stop(release, end, owner, base, commits):
    first = end(of(release(), "staging"))
    end(of(release(commit="b" * 40), "staging"))
    place = f"{base}/environments/{first.environment.uuid}"
    with commits():
        answer = api(owner).post(f"{place}/rollback", {"release": 1, "reason": "500s"}, content_type="application/json")
    assert (answer.status_code, answer.json()["deployment"]["rollback"]) == (202, True)
    back = Deployment.objects.get(uuid=answer.json()["deployment"]["uuid"])
    assert end(back).status == "live"
    with commits():
        answer = api(owner).post(f"{place}/deploy", {"release": 2}, content_type="application/json")
    assert answer.status_code == 202
    again = answer.json()["deployment"]["uuid"]
    twice = api(owner).post(f"{place}/deploy", {"release": 2}, content_type="application/json")
    assert (twice.status_code, "already" in twice.json()["errors"][0]) == (400, True)
    with commits():
        assert api(owner).post(f"{base}/deployments/{again}/stop").status_code == 202
    assert Deployment.objects.get(uuid=again).status == "cancelled"


@pytest.mark.parametrize(
    "asked", [{}, {"release": 0}, {"release": "x"}, {"release": 1}, {"release": 1, "reason": ""}, {"release": 10**20}]
)
def test_a_rollback_without_release_or_reason_is_refused(release, end, owner, base, asked):
    first = end(of(release(), "staging"))
    place = f"{base}/environments/{first.environment.uuid}"
    answer = api(owner).post(f"{place}/rollback", asked, content_type="application/json")
    assert answer.status_code == 400
    assert Deployment.objects.filter(is_rollback=True).count() == 0


def test_rights(release, end, member, stranger, base):
    deployment = end(of(release(), "staging"), Status.FAILED)
    posts = [
        (f"{base}/environments/{deployment.environment.uuid}/deploy", {"release": 1}),
        (f"{base}/environments/{deployment.environment.uuid}/rollback", {"release": 1, "reason": "x"}),
        (f"{base}/deployments/{deployment.uuid}/stop", {}),
    ]
    for address, asked in posts:
        for client, status in ((api(member), 403), (api(stranger), 404), (Client(), 401)):
            assert client.post(address, asked, content_type="application/json").status_code == status
    for address in (f"{base}/environments", f"{base}/deployments", f"{base}/deployments/{deployment.uuid}"):
        assert api(stranger).get(address).status_code == 404
        assert Client().get(address).status_code == 401
    assert Deployment.objects.count() == 1


OPERATIONS = {
    "list_environments",
    "deploy",
    "rollback",
    "list_deployments",
    "show_deployment",
    "stop_deployment",
    "pause_deployment",
    "let_deployment_go_on",
    "approve_deployment",
    "reject_deployment",
    "let_deployment_go_now",
    "settle_deployment",
    "check_deployment_again",
    "list_releases",
    "show_release",
    "mark_release",
    "unmark_release",
    "list_freezes",
    "make_freeze",
    "lift_freeze",
}


def test_the_document_knows_the_routes(client):
    paths = client.get("/v2/openapi.json").json()["paths"]
    named = {operation["operationId"] for path in paths.values() for operation in path.values()}
    assert named >= OPERATIONS

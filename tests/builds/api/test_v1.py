"""CodeShip's API v1, as old scripts and dashboards ask it."""

import pytest
from django.test import Client

from accounts.services.tokens import make_token
from builds.models import Build

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(owner):
    return make_token(owner, "dashboard")[1]


def test_projects_with_their_newest_builds(client, key, project, make_build):
    make_build(status="passed")
    build = make_build(status="failed", branch="feature")
    told = client.get(f"/api/v1/projects.json?api_key={key}").json()["projects"]
    assert [(one["id"], one["repository_name"], len(one["builds"])) for one in told] == [(project.pk, "shop/api", 2)]
    newest = told[0]["builds"][0]
    assert (newest["id"], newest["uuid"], newest["status"]) == (build.pk, str(build.uuid), "error")
    assert (newest["branch"], newest["commit_id"], newest["message"]) == ("feature", "a" * 40, "Fix tax rounding")


def test_one_project_and_one_branch(client, key, project, make_build):
    make_build(branch="main")
    make_build(branch="feature")
    url = f"/api/v1/projects/{project.pk}.json?api_key={key}"
    assert len(client.get(url).json()["builds"]) == 2
    assert [build["branch"] for build in client.get(f"{url}&branch=feature").json()["builds"]] == ["feature"]
    assert client.get(f"{url}&branch=a%00b").status_code == 200


def test_a_build_is_run_again(client, key, make_build):
    build = make_build(status="failed")
    answer = client.post(f"/api/v1/builds/{build.pk}/restart.json?api_key={key}")
    assert (answer.status_code, answer.json()["status"]) == (202, "waiting")
    assert Build.objects.order_by("-number").first().restart_of == build


def test_who_may_not(client, key, stranger, owner, project, make_build):
    build = make_build(status="failed")
    theirs = make_token(stranger, "x")[1]
    reading = make_token(owner, "x", scopes=["project.read"])[1]
    assert client.get("/api/v1/projects.json").json() == {"error": "Unauthorized"}
    assert client.get("/api/v1/projects.json?api_key=x").status_code == 401
    assert client.get(f"/api/v1/projects.json?api_key={theirs}").json() == {"projects": []}
    assert client.get(f"/api/v1/projects/{project.pk}.json?api_key={theirs}").status_code == 404
    assert client.get(f"/api/v1/projects/{2**70}.json?api_key={key}").status_code == 404
    assert client.post(f"/api/v1/builds/{build.pk}/restart.json?api_key={theirs}").status_code == 404
    assert client.post(f"/api/v1/builds/{build.pk}/restart.json?api_key={reading}").status_code == 403
    assert client.get(f"/api/v1/builds/{build.pk}/restart.json?api_key={key}").status_code == 405
    assert Build.objects.count() == 1


def test_cookies_let_nobody_in(owner):
    client = Client()
    client.force_login(owner)
    assert client.get("/api/v1/projects.json").status_code == 401

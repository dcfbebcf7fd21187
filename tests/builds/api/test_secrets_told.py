"""The API of an organisation's secrets, and of who was given what."""

from __future__ import annotations

import json

import pytest

from accounts.models import Role
from builds.models import Secret, SecretKind
from builds.services.run import job_spec
from builds.services.secrets import Place, put_secret
from tests.builds.queue import add_job, claim_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(organization) -> str:
    return f"/v2/organizations/{organization.uuid}/secrets"


def put(api, url, name, **asked):
    return api.put(f"{url}/{name}", json.dumps({"value": "hidden-1", **asked}), content_type="application/json")


def test_an_organisations_is_set_told_and_removed(api, url, organization, project):
    assert put(api, url, "TOKEN", branch="main", kind="file", projects=[str(project.uuid)]).status_code == 204
    kept = Secret.objects.get()
    assert (kept.organization, kept.branch, kept.kind, kept.value) == (organization, "main", "file", "hidden-1")
    assert list(kept.projects.all()) == [project]
    answer = api.get(url)
    [told] = answer.json()["secrets"]
    assert (told["name"], told["branch"], told["kind"], told["text"]) == ("TOKEN", "main", "file", None)
    assert "hidden-1" not in answer.content.decode()
    assert api.delete(f"{url}/TOKEN").status_code == 404
    assert api.delete(f"{url}/TOKEN?branch=main").status_code == 204


@pytest.mark.parametrize(
    ("name", "asked"), [("TOKEN", {"kind": "x"}), ("TOKEN", {"branch": "^("}), ("1X", {}), ("TOKEN", {"value": ""})]
)
def test_what_cannot_be_says_why(api, url, name, asked):
    answer = put(api, url, name, **asked)
    assert (answer.status_code, Secret.objects.count()) == (400, 0)
    assert answer.json()["errors"]


def test_only_who_manages_the_organisation_may(api_of, make_user, organization, url, stranger):
    api = api_of(make_user("m@example.com", organization, Role.PROJECT_MANAGER))
    assert [api.get(url).status_code, put(api, url, "X").status_code, api.delete(f"{url}/X").status_code] == [403] * 3
    assert api.get(f"{url}-report").status_code == 403
    assert api_of(stranger).get(url).status_code == 404
    assert put(api_of(stranger), url, "X").status_code == 404


def test_a_plain_variable_is_told(api, url):
    put(api, url, "LEVEL", kind="variable", value="debug")
    assert api.get(url).json()["secrets"][0]["text"] == "debug"


def test_who_was_given_what(api, url, owner, organization, project, projects_url, make_build):
    put_secret(Place(organization), "SHARED", "hidden-1", who=owner)
    put_secret(Place(project, branch="main"), "URL", "hidden-2", who=owner, kind=SecretKind.FILE)
    build = make_build()
    add_job(build)
    job_spec(claim_now())
    its = f"{projects_url}/{project.uuid}/secrets-given"
    would, dev = api.get(its), api.get(f"{its}?branch=dev")
    assert [(each["name"], each["place"]) for each in would.json()["given"]] == [
        ("SHARED", "the organisation"),
        ("URL", "the project, branch main"),
    ]
    assert [each["name"] for each in dev.json()["given"]] == ["SHARED"]
    jobs, report = api.get(f"{its}/jobs"), api.get(f"{url}-report")
    [giving] = jobs.json()["givings"]
    assert (giving["build_number"], [each["name"] for each in giving["given"]]) == (build.number, ["SHARED", "URL"])
    known = {one["name"]: one for one in report.json()["secrets"]}
    assert known["SHARED"]["given_to"]["build_uuid"] == str(build.uuid)
    assert known["URL"]["project_uuid"] == str(project.uuid)
    assert not any("hidden-" in answer.content.decode() for answer in (would, dev, jobs, report))

"""Secrets over the API: names are told, values only taken."""

from __future__ import annotations

import json

import pytest

from accounts.models import Role
from builds.models import Secret
from deployments.models import Environment


def put(api, url, name, value="first value"):
    return api.put(f"{url}/{name}", json.dumps({"value": value}), content_type="application/json")


@pytest.fixture(params=["project", "environment"])
def place(request, project, projects_url) -> tuple[str, str]:
    """The address of the secrets, and whose they are."""
    if request.param == "project":
        return f"{projects_url}/{project.uuid}/secrets", ""
    its = Environment.objects.create(project=project, name="production")
    return f"{projects_url}/{project.uuid}/environments/{its.uuid}/secrets", "production"


def test_one_is_set_replaced_told_by_name_and_removed(api, owner, place):
    url, whose = place
    assert api.get(url).json() == {"secrets": []}
    assert (put(api, url, "TOKEN").status_code, put(api, url, "TOKEN", "second value").status_code) == (204, 204)
    kept = Secret.objects.get()
    assert (kept.environment, kept.name, kept.value) == (whose, "TOKEN", "second value")
    answer = api.get(url)
    [told] = answer.json()["secrets"]
    assert (told["name"], told["environment"], told["changed_by"]) == ("TOKEN", whose, owner.email)
    assert "value" not in answer.content.decode()
    assert api.delete(f"{url}/TOKEN").status_code == 204
    assert api.delete(f"{url}/TOKEN").status_code == 404
    assert not Secret.objects.exists()


def test_places_do_not_see_each_other(api, project, place):
    url, whose = place
    Secret.objects.create(project=project, environment="other", name="THEIRS", value="first value")
    put(api, url, "MINE")
    assert [each["name"] for each in api.get(url).json()["secrets"]] == ["MINE"]
    assert api.delete(f"{url}/THEIRS").status_code == 404
    assert Secret.objects.filter(name="THEIRS").exists()
    assert Secret.objects.get(name="MINE").environment == whose


@pytest.mark.parametrize(
    ("name", "value"), [("1X", "v"), ("A%20B", "v"), ("X", ""), ("X", "a\0b"), ("X", "x" * 70_000)]
)
def test_what_no_variable_can_be_is_refused(api, place, name, value):
    answer = put(api, place[0], name, value)
    assert answer.status_code == 400
    assert value[:9] not in answer.content.decode() or len(value) < 9, "no value comes back, not even in a refusal"
    assert not Secret.objects.exists()


def test_who_may(api_of, member, stranger, make_user, organization, place):
    url, _ = place
    manager = api_of(make_user("pm@example.com", organization, Role.PROJECT_MANAGER))
    assert put(manager, url, "TOKEN").status_code == 204
    assert api_of(member).get(url).status_code == 200
    for person, status in ((member, 403), (stranger, 404)):
        assert put(api_of(person), url, "TOKEN", "theirs").status_code == status
        assert api_of(person).delete(f"{url}/TOKEN").status_code == status
    assert api_of(stranger).get(url).status_code == 404
    assert Secret.objects.get().value == "first value"


def test_nothing_is_set_where_nothing_goes_any_more(api, project, projects_url):
    its = Environment.objects.create(project=project, name="old", retired=True)
    url = f"{projects_url}/{project.uuid}/environments/{its.uuid}/secrets"
    Secret.objects.create(project=project, environment="old", name="TOKEN", value="first value")
    assert "no longer in the configuration" in put(api, url, "TOKEN").json()["errors"][0]
    assert api.delete(f"{url}/TOKEN").status_code == 204

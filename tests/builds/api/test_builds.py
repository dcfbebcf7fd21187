"""Builds over the API: list, show, create, stop, restart."""

import json

import pytest

from accounts.models import Role
from builds.models import Build, Project
from builds.states import CODESHIP_STATUS

COMMIT = "c" * 40


def post(api, url, **fields):
    return api.post(url, json.dumps(fields), content_type="application/json")


def test_a_build_is_shown_in_codeships_words_and_ours(api, builds_url, make_build, project, organization):
    build = make_build(author_username="ada", status="errored", reason="The runner was lost.")
    shown = api.get(f"{builds_url}/{build.uuid}").json()["build"]
    queued_at = shown.pop("queued_at")
    assert queued_at.endswith("Z")
    assert shown == {
        "uuid": str(build.uuid),
        "number": 1,
        "project_uuid": str(project.uuid),
        "project_id": project.pk,
        "organization_uuid": str(organization.uuid),
        "ref": "heads/main",
        "branch": "main",
        "commit_sha": "a" * 40,
        "commit_message": "Fix tax rounding",
        "username": "ada",
        "state": "errored",
        "status": "infrastructure_failure",
        "reason": "The runner was lost.",
        "trigger": "push",
        "allocated_at": None,
        "finished_at": None,
        "url": f"http://testserver/projects/{project.uuid}/builds/1/",
        "links": {
            part: f"http://testserver{builds_url}/{build.uuid}/{part}"
            for part in ("pipelines", "services", "steps", "events")
        },
        "waiting_reason": "",
        "estimated_start": None,
    }


@pytest.mark.parametrize(("state", "status"), CODESHIP_STATUS.items())
def test_every_state_has_codeships_word(api, builds_url, make_build, state, status):
    make_build(status=state)
    (shown,) = api.get(builds_url).json()["builds"]
    assert (shown["state"], shown["status"]) == (state, status)


class TestPages:
    @pytest.fixture(autouse=True)
    def _builds(self, make_build):
        for _ in range(65):
            make_build()

    @pytest.mark.parametrize(
        ("asked", "numbers"),
        [
            ({}, range(65, 35, -1)),
            ({"page": 2}, range(35, 5, -1)),
            ({"page": 3}, range(5, 0, -1)),
            ({"page": 4}, []),
            ({"page": 1_000_000}, []),
            ({"per_page": 50}, range(65, 15, -1)),
            ({"per_page": 1000}, range(65, 15, -1)),
            ({"page": 65, "per_page": 1}, [1]),
        ],
    )
    def test_the_newest_come_first(self, api, builds_url, asked, numbers):
        page = api.get(builds_url, asked).json()
        assert [build["number"] for build in page["builds"]] == list(numbers)
        assert page["total"] == 65

    def test_the_link_header_names_the_neighbours(self, api, builds_url):
        link = api.get(builds_url, {"page": 2})["Link"]
        base = f"http://testserver{builds_url}?page={{}}&per_page=30"
        assert link == ", ".join(
            f'<{base.format(number)}>; rel="{rel}"'
            for rel, number in [("first", 1), ("prev", 1), ("next", 3), ("last", 3)]
        )

    @pytest.mark.parametrize("asked", [{"page": 0}, {"page": -1}, {"page": "x"}, {"per_page": 0}, {"page": 2**70}])
    def test_a_page_that_cannot_be_is_refused(self, api, builds_url, asked):
        response = api.get(builds_url, asked)
        assert response.status_code == 400
        assert "page" in response.json()["errors"][0]

    def test_a_list_costs_the_same_however_long(self, api, builds_url, django_assert_num_queries):
        api.get(builds_url)
        for per_page in (1, 50):
            with django_assert_num_queries(3):
                api.get(builds_url, {"per_page": per_page})


def test_the_newest_commit_of_a_branch_is_built(api, builds_url, owner):
    response = post(api, builds_url, ref="heads/main")
    build = Build.objects.get()
    assert response.status_code == 202
    assert response.json()["build"]["uuid"] == str(build.uuid)
    assert (build.ref, build.branch, build.commit) == ("refs/heads/main", "main", "")
    assert (build.trigger, build.requested_by) == ("manual", owner)
    assert build.moves.get().who == owner.email


@pytest.mark.parametrize(("ref", "branch"), [("tags/v1", "v1"), ("refs/heads/a/b", "a/b"), ("heads/ü", "ü")])
def test_a_commit_of_a_ref_is_built(api, builds_url, ref, branch):
    assert post(api, builds_url, ref=ref, commit_sha=COMMIT).status_code == 202
    assert (Build.objects.get().branch, Build.objects.get().commit) == (branch, COMMIT)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ref": ""},
        {"ref": "master"},
        {"ref": "heads/"},
        {"ref": "pull/7/head"},
        {"ref": "heads/a..b"},
        {"ref": "heads/a\0b"},
        {"ref": "heads/\ud800"},
        {"ref": "heads/a b"},
        {"ref": "heads/" + "x" * 300},
        {"ref": "heads/main", "commit_sha": "HEAD"},
        {"ref": "heads/main", "commit_sha": "abc1234"},
        {"ref": "heads/main", "commit_sha": "--output=x"},
        {"ref": "heads/main", "commit_sha": COMMIT + "\n"},
        {"ref": 7},
        {"ref": ["heads/main"]},
    ],
)
def test_what_names_no_commit_is_refused(api, builds_url, fields):
    response = post(api, builds_url, **fields)
    assert response.status_code == 400
    assert response.json()["errors"]
    assert not Build.objects.exists()


def test_a_build_that_waits_is_stopped(api, builds_url, make_build, owner):
    build = make_build()
    response = post(api, f"{builds_url}/{build.uuid}/stop")
    assert response.status_code == 202
    assert response.json()["build"]["status"] == "stopped"
    build.refresh_from_db()
    assert (build.status, build.reason) == ("cancelled", f"Stopped by {owner}.")


def test_a_build_that_ended_stays_as_it_ended(api, builds_url, make_build):
    build = make_build(status="passed")
    response = post(api, f"{builds_url}/{build.uuid}/stop")
    assert (response.status_code, response.json()["build"]["state"]) == (202, "passed")


@pytest.mark.parametrize("status", ["passed", "failed", "errored", "cancelled"])
def test_a_build_is_run_again_as_a_new_one(api, builds_url, make_build, status):
    build = make_build(status=status)
    response = post(api, f"{builds_url}/{build.uuid}/restart")
    again = Build.objects.get(number=2)
    assert response.status_code == 202
    assert response.json()["build"]["uuid"] == str(again.uuid)
    assert (again.restart_of, again.commit, again.trigger) == (build, build.commit, "restart")
    build.refresh_from_db()
    assert build.status == status


@pytest.mark.parametrize("status", ["queued", "waiting", "running"])
def test_a_build_that_has_not_ended_is_not_run_again(api, builds_url, make_build, status):
    build = make_build(status=status)
    assert post(api, f"{builds_url}/{build.uuid}/restart").status_code == 400
    assert Build.objects.count() == 1


def test_a_contributor_runs_but_does_not_stop(api_of, member, builds_url, make_build):
    api, build = api_of(member), make_build()
    assert post(api, builds_url, ref="heads/main").status_code == 202
    response = post(api, f"{builds_url}/{build.uuid}/stop")
    assert response.status_code == 403
    assert "You may not stop builds" in response.json()["errors"][0]
    build.refresh_from_db()
    assert build.status == "queued"


def test_a_project_manager_stops(api_of, make_user, organization, builds_url, make_build):
    api = api_of(make_user("pm@example.com", organization, Role.PROJECT_MANAGER))
    assert post(api, f"{builds_url}/{make_build().uuid}/stop").status_code == 202


def test_for_strangers_there_is_nothing(api_of, stranger, builds_url, make_build):
    api, build = api_of(stranger), make_build()
    for response in (
        api.get(builds_url),
        post(api, builds_url, ref="heads/main"),
        api.get(f"{builds_url}/{build.uuid}"),
        api.get(f"{builds_url}/{build.uuid}/steps"),
        post(api, f"{builds_url}/{build.uuid}/stop"),
        post(api, f"{builds_url}/{build.uuid}/restart"),
    ):
        assert (response.status_code, response.json()) == (404, {"errors": ["Not found"]})
    assert Build.objects.count() == 1


def test_a_build_is_not_found_under_another_project(api, projects_url, make_build, organization):
    build = make_build()
    other = Project.objects.create(organization=organization, name="other", repository_url="x")
    assert api.get(f"{projects_url}/{other.uuid}/builds/{build.uuid}").status_code == 404


def test_a_build_is_not_found_under_the_askers_own_organisation(api_of, stranger, make_build, project):
    build = make_build()
    own = stranger.organizations.get().uuid
    assert (
        api_of(stranger).get(f"/v2/organizations/{own}/projects/{project.uuid}/builds/{build.uuid}").status_code == 404
    )


def test_get_stops_and_starts_nothing(api, builds_url, make_build):
    build = make_build(status="running")
    for verb in ("stop", "restart"):
        assert api.get(f"{builds_url}/{build.uuid}/{verb}").status_code == 405
    build.refresh_from_db()
    assert (build.status, Build.objects.count()) == ("running", 1)

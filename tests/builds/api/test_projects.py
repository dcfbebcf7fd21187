"""Projects over the API."""

import json

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key

from accounts.models import AuditEntry, Role
from builds.models import Project

URL = "https://git.example.com/shop/api.git"


def post(api, url, **fields):
    return api.post(url, json.dumps(fields), content_type="application/json")


def test_a_project_is_shown(api, projects_url, project, organization):
    shown = api.get(f"{projects_url}/{project.uuid}").json()["project"]
    assert shown["uuid"] == str(project.uuid)
    assert shown["organization_uuid"] == str(organization.uuid)
    assert (shown["name"], shown["type"], shown["repository_url"]) == ("shop/api", "pro", URL)
    assert shown["hook_url"] == f"http://testserver/hooks/generic/{project.uuid}"


def test_secrets_are_not_shown(api, projects_url, project):
    text = api.get(f"{projects_url}/{project.uuid}").content.decode() + api.get(projects_url).content.decode()
    assert project.hook_secret not in text
    assert "PRIVATE KEY" not in text


def test_projects_are_listed_by_name(api, projects_url, organization, stranger):
    for name in ("b", "c", "a"):
        Project.objects.create(organization=organization, name=name, repository_url=URL)
    Project.objects.create(organization=stranger.organizations.get(), name="theirs", repository_url=URL)
    page = api.get(projects_url).json()
    assert [project["name"] for project in page["projects"]] == ["a", "b", "c"]
    assert (page["total"], page["page"], page["per_page"]) == (3, 1, 30)


def test_a_project_is_made(api, projects_url, organization, owner, django_capture_on_commit_callbacks):
    response = post(api, projects_url, repository_url="git@github.com:shop/web.git", type="pro", team_ids=[])
    assert response.status_code == 201
    made = response.json()["project"]
    project = Project.objects.get(uuid=made["uuid"])
    assert (project.organization, project.name, project.provider) == (organization, "shop/web", "github")
    assert made["hook_secret"] == project.hook_secret
    assert len(made["hook_secret"]) >= 43
    assert made["ssh_key"] == project.ssh_public_key
    private = load_ssh_private_key(project.ssh_private_key.encode(), None)
    assert private.public_key() == load_ssh_public_key(made["ssh_key"].encode())
    entry = AuditEntry.objects.get(action="project.created")
    assert (entry.user, entry.organization, entry.subject) == (owner, organization, "shop/web")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "repository_url: Field required"),
        ({"repository_url": ""}, "repository_url"),
        ({"repository_url": 7}, "repository_url"),
        ({"repository_url": "ext::sh -c id"}, "repository_url"),
        ({"repository_url": "--upload-pack=id"}, "repository_url"),
        ({"repository_url": "-oProxyCommand=id@x:y"}, "repository_url"),
        ({"repository_url": "ssh://-oProxyCommand=id/x"}, "repository_url"),
        ({"repository_url": "git@-oProxyCommand=id:x"}, "repository_url"),
        ({"repository_url": "git@host:-x"}, "repository_url"),
        ({"repository_url": "ftp://example.com/x"}, "repository_url"),
        ({"repository_url": "javascript:alert(1)"}, "repository_url"),
        ({"repository_url": "https://user:secret@example.com/x.git"}, "Leave name and password out"),
        ({"repository_url": "https://token@example.com/x.git"}, "Leave name and password out"),
        ({"repository_url": "https://"}, "repository_url"),
        ({"repository_url": "https://["}, "repository_url"),
        ({"repository_url": "https://example.com:port/x"}, "repository_url"),
        ({"repository_url": "https://example.com/x\0y"}, "repository_url"),
        ({"repository_url": "https://example.com/x y"}, "repository_url"),
        ({"repository_url": "https://example.com/" + "x" * 500}, "repository_url"),
        ({"repository_url": URL, "name": "x" * 141}, "name"),
        ({"repository_url": URL, "name": "a\0b"}, "name"),
        ({"repository_url": URL, "name": "a\ud800"}, "name"),
        ({"repository_url": URL, "default_branch": ""}, "default_branch"),
        ({"repository_url": URL, "default_branch": "--x"}, "default_branch"),
        ({"repository_url": URL, "default_branch": "a\nb"}, "default_branch"),
        ({"repository_url": URL, "provider": "svn"}, "provider"),
    ],
)
def test_what_cannot_be_a_project_is_refused_with_the_field(api, projects_url, fields, said):
    response = post(api, projects_url, **fields)
    assert response.status_code == 400
    assert said in response.json()["errors"][0]
    assert not Project.objects.exists()


@pytest.mark.parametrize("url", ["/srv/git/x.git", "file:///srv/git/x.git"])
def test_paths_of_the_server_only_where_it_allows_them(api, projects_url, settings, url):
    settings.ALLOW_LOCAL_REPOSITORIES = False
    assert post(api, projects_url, repository_url=url).status_code == 400
    settings.ALLOW_LOCAL_REPOSITORIES = True
    assert post(api, projects_url, repository_url=url).status_code == 201


def test_a_name_is_taken_once(api, projects_url, project):
    response = post(api, projects_url, repository_url=URL)
    assert response.json() == {"errors": ["name: Shop has a project named shop/api already."]}


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"', "[" * 100_000])
def test_a_body_that_is_no_object_is_refused(api, projects_url, body):
    assert api.post(projects_url, body, content_type="application/json").status_code == 400


def test_a_contributor_may_not(api_of, member, projects_url):
    response = post(api_of(member), projects_url, repository_url=URL)
    assert response.status_code == 403
    assert response.json() == {"errors": ["You may not create projects: ask an owner of Shop."]}


def test_a_project_manager_may(api_of, make_user, organization, projects_url):
    api = api_of(make_user("pm@example.com", organization, Role.PROJECT_MANAGER))
    assert post(api, projects_url, repository_url=URL).status_code == 201


def test_for_strangers_there_is_nothing(api_of, stranger, projects_url, project):
    api = api_of(stranger)
    for response in (
        api.get(projects_url),
        api.get(f"{projects_url}/{project.uuid}"),
        post(api, projects_url, repository_url=URL),
    ):
        assert (response.status_code, response.json()) == (404, {"errors": ["Not found"]})


def test_a_project_is_not_found_under_another_organisation(api_of, stranger, project):
    own = stranger.organizations.get()
    assert api_of(stranger).get(f"/v2/organizations/{own.uuid}/projects/{project.uuid}").status_code == 404

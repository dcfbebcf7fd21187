"""The pages of secrets: an organisation's, a project's, and what a build is given."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Role
from builds.models import Project, Secret, SecretKind
from builds.services.run import job_spec
from builds.services.secrets import Place, put_secret
from tests.builds.queue import add_job, claim_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(organization) -> str:
    return reverse("organization_secrets", args=[organization.uuid])


@pytest.fixture
def page_of(client):
    """The text of a page as somebody sees it."""

    def page_of(user, address: str, *, status: int = 200) -> str:
        client.force_login(user)
        answer = client.get(address)
        assert answer.status_code == status
        return answer.content.decode()

    return page_of


def test_an_organisations_is_set_for_some_projects_replaced_and_removed(client, owner, organization, project, address):
    client.force_login(owner)
    wanted = {"name": "TOKEN", "value": "first-hidden", "branch": "release/*", "projects": [project.pk], "kind": "file"}
    page = client.post(address, wanted, follow=True).content.decode()
    kept = Secret.objects.get()
    assert (kept.organization, kept.project, kept.branch, kept.kind) == (organization, None, "release/*", "file")
    assert list(kept.projects.all()) == [project]
    assert "first-hidden" not in page
    assert all(text in page for text in ("TOKEN", "release/*", "Secret file", "only shop/api"))
    client.post(address, {"name": "TOKEN", "value": "second-hidden", "branch": "release/*"})
    assert (Secret.objects.get().value, Secret.objects.get().projects.count()) == ("second-hidden", 0)
    client.post(f"{address}/delete", {"name": "TOKEN"})
    assert Secret.objects.exists(), "the branch is part of what it is"
    client.post(f"{address}/delete", {"name": "TOKEN", "branch": "release/*"})
    assert not Secret.objects.exists()


@pytest.mark.parametrize("wrong", [{"name": "1X"}, {"value": ""}, {"branch": "^("}, {"kind": "x"}, {"projects": [0]}])
def test_what_cannot_be_is_refused_and_what_was_typed_stays(client, owner, address, wrong):
    client.force_login(owner)
    answer = client.post(address, {"name": "TOKEN", "value": "typed", "branch": "main", **wrong})
    assert (answer.status_code, Secret.objects.count()) == (400, 0)
    assert "errorlist" in answer.content.decode()
    assert 'value="main"' in answer.content.decode() or "branch" in wrong


@pytest.mark.parametrize("role", [Role.CONTRIBUTOR, Role.PROJECT_MANAGER])
def test_only_who_manages_the_organisation_sees_it(client, make_user, organization, address, role):
    client.force_login(make_user("m@example.com", organization, role))
    assert client.get(address).status_code == 403
    assert client.post(address, {"name": "TOKEN", "value": "x"}).status_code == 403
    assert client.post(f"{address}/delete", {"name": "TOKEN"}).status_code == 403


def test_another_organisations_project_cannot_be_chosen(client, owner, stranger, address):
    elsewhere = Project.objects.create(
        organization=stranger.organizations.first(), name="theirs", repository_url="https://x.example.com/y"
    )
    client.force_login(owner)
    answer = client.post(address, {"name": "TOKEN", "value": "x", "projects": [elsewhere.pk]})
    assert (answer.status_code, Secret.objects.count()) == (400, 0)
    assert "theirs" not in answer.content.decode()


def test_the_report_says_all_that_would_have_to_be_rotated(page_of, owner, organization, project, address, make_build):
    put_secret(Place(organization), "SHARED", "hidden-1", who=owner)
    put_secret(Place(project, "production"), "URL", "hidden-2", who=owner)
    put_secret(Place(project), "LEVEL", "plain-3", who=owner, kind=SecretKind.VARIABLE)
    build = make_build()
    add_job(build)
    job_spec(claim_now())
    report = page_of(owner, address).split('id="report"')[1]
    assert all(text in report for text in ("SHARED", "URL", "environment production", "Deploy key", "Hook secret"))
    assert f'href="{reverse("build", args=[project.uuid, build.number])}"' in report
    assert "nobody yet" in report, "URL was given to nobody"
    assert not any(text in report for text in ("LEVEL", "hidden-1", "hidden-2", "plain-3"))


def test_a_plain_variable_is_shown_and_a_secret_is_not(page_of, member, owner, project):
    put_secret(Place(project), "LEVEL", "debug-shown", who=owner, kind=SecretKind.VARIABLE)
    put_secret(Place(project), "TOKEN", "hidden-1", who=owner)
    put_secret(Place(project, branch="main"), "TOKEN", "hidden-2", who=owner)
    page = page_of(member, reverse("project_settings", args=[project.uuid]))
    assert "debug-shown" in page
    assert "hidden-" not in page


def test_what_a_build_would_be_given_is_told_by_name(page_of, member, owner, organization, project, make_build):
    put_secret(Place(organization), "SHARED", "hidden-1", who=owner)
    put_secret(Place(project, branch="release/*"), "SHARED", "hidden-2", who=owner)
    put_secret(Place(project, "production"), "URL", "hidden-3", who=owner)
    address = reverse("secrets_given", args=[project.uuid])
    assert "the organisation" in page_of(member, address).split('id="lately"')[0]
    page = page_of(member, f"{address}?branch=release/1&environment=production").split('id="lately"')[0]
    assert "the project, branch release/*" in page
    assert "the project, environment production" in page
    add_job(make_build())
    job_spec(claim_now())
    lately = page_of(member, address).split('id="lately"')[1]
    assert "SHARED" in lately
    assert "hidden-" not in page + lately
    assert page_of(member, f"{address}?branch={'x' * 300}", status=400)


def test_the_pages_cost_the_same_however_much_there_is(
    client, owner, organization, project, address, make_build, django_assert_max_num_queries
):
    for number in range(12):
        put_secret(Place(organization), f"A{number}", "hidden", who=owner)
        put_secret(Place(project), f"B{number}", "hidden", who=owner, kind=SecretKind.values[number % 3])
    add_job(make_build())
    job_spec(claim_now())
    client.force_login(owner)
    for page in (
        address,
        reverse("secrets_given", args=[project.uuid]),
        reverse("project_settings", args=[project.uuid]),
    ):
        with django_assert_max_num_queries(32):
            assert client.get(page).status_code == 200

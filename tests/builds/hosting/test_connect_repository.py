"""A project for a repository of a list: made once, set up by the outbox, and taken away without leaving anything there."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry, Organization
from builds.models import Connection, HostingStep, OutboxEntry, Project
from builds.providers.contract import Repository
from builds.services.connect_repository import connect, create_from, disconnect, forget_at_host, repository_at
from builds.services.create_project import ProjectError
from builds.services.set_up import set_up
from tests.builds.hosting.conftest import connection_to, work
from tests.builds.providers.standin import Reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(standin, connection, owner) -> Project:
    project = create_from(connection, repository_at(connection, "101", "shop/api"), who=owner)
    work()
    project.refresh_from_db()
    return project


def test_every_host_gives_a_project_that_is_set_up(any_standin, organization, owner):
    connection = connection_to(any_standin, organization)
    repo = any_standin.repositories[0]
    project = create_from(connection, repository_at(connection, repo.id, repo.name), who=owner)
    work()
    project.refresh_from_db()
    assert (project.repository_id, project.repository_name, project.name) == (repo.id, repo.name, repo.name)
    assert (project.provider, project.default_branch) == (any_standin.provider, "trunk")
    assert project.repository_url.startswith(("git@", "ssh://"))
    assert set(any_standin.hooks) == {project.hook_id}
    assert set(any_standin.keys) == {project.deploy_key_id}
    assert project.hosting_problem == ""


def test_a_public_repository_is_fetched_without_a_key(standin, connection, owner):
    project = create_from(connection, repository_at(connection, "102", "shop/web"), who=owner)
    work()
    assert project.repository_url == "https://github.com/shop/web.git"
    assert standin.keys == {}


def test_a_repository_has_one_project_and_a_stranger_hears_not_whose(standin, connection, made, owner, stranger):
    with pytest.raises(ProjectError, match="built already, as shop/api") as refusal:
        create_from(connection, repository_at(connection, "101", "shop/api"), who=owner)
    assert refusal.value.field == "repository"
    theirs = connection_to(standin, Organization.objects.get(slug="other"))
    with pytest.raises(ProjectError, match="of another organisation") as refusal:
        create_from(theirs, repository_at(theirs, "101", "shop/api"), who=stranger)
    assert "Shop" not in str(refusal.value)
    assert Project.objects.count() == 1
    assert HostingStep.objects.filter(name="hook").count() == 1


def test_one_that_was_given_away_keeps_its_repository(made, connection, owner, settings):
    Project.objects.update(connection=None, repository_url="git@127.0.0.1:shop/api.git")
    with pytest.raises(ProjectError, match="built already"):
        create_from(connection, repository_at(connection, "101", "shop/api"), who=owner)


def test_a_token_serves_its_own_organisation_alone(standin, made, stranger):
    Project.objects.update(organization=Organization.objects.get(slug="other"))
    standin.requests.clear()
    set_up(Project.objects.get())
    work()
    assert standin.requests == []


def test_the_same_number_at_another_host_is_another_repository(made, connection, owner):
    elsewhere = Connection.objects.create(
        organization=connection.organization, provider="github", url="https://ghe.example.com"
    )
    repository = repository_at(connection, "101", "shop/api")
    Project.objects.update(name="shop/first")
    assert create_from(elsewhere, repository, who=owner).pk != made.pk


def test_a_project_of_ones_own_is_connected_and_disconnected(standin, connection, project, owner):
    connect(project, connection, repository_at(connection, "101", "shop/api"), who=owner)
    work()
    project.refresh_from_db()
    assert project.hook_id in standin.hooks
    disconnect(project, who=owner)
    work()
    project.refresh_from_db()
    assert (project.connection, project.repository_id, project.hook_id, project.deploy_key_id) == (None, "", "", "")
    assert (standin.hooks, standin.keys) == ({}, {})
    assert not HostingStep.objects.filter(project=project).exists()
    actions = AuditEntry.objects.values_list("action", flat=True)
    assert {"project.connected", "project.disconnected"} <= set(actions)


def test_connecting_anew_removes_what_was_made_before(standin, connection, made, owner):
    connect(made, connection, repository_at(connection, "102", "shop/web"), who=owner)
    work()
    made.refresh_from_db()
    assert [hook["repository"] for hook in standin.hooks.values()] == ["shop/web"]
    assert standin.keys == {}
    assert made.repository_url == "https://github.com/shop/web.git"


def test_a_deleted_project_leaves_nothing_there(standin, made):
    made.delete()
    work()
    assert (standin.hooks, standin.keys) == ({}, {})


def test_what_cannot_be_removed_is_left(standin, made):
    standin.fault = lambda request: Reply(403, {"message": "no"})
    forget_at_host(made)
    work()
    assert not OutboxEntry.objects.filter(state="dead").exists()


def test_a_branch_name_or_address_of_the_host_is_checked_like_any_other(connection, owner):
    for url in ("-oProxyCommand=x", "https://a:b@h/x", ""):
        with pytest.raises(ProjectError):
            create_from(connection, Repository("7", "a/b", "", url, "", "main", is_private=True), who=owner)
    with pytest.raises(ProjectError):
        create_from(connection, Repository("7", "a/b", "", "git@h:a/b.git", "", "--x", is_private=True), who=owner)
    assert not Project.objects.exists()

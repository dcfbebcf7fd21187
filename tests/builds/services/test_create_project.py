"""Making a project: what it comes with, who hears of it, two at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from django.db import connection

from accounts.models import AuditEntry
from builds.models import Project
from builds.services.create_project import ProjectError, create_project, repository_problem
from builds.signals import project_created

URL = "https://git.example.com/shop/web.git"


@pytest.fixture
def news():
    """The ids that were told of."""
    told = []

    def hear(project_id, **_):
        told.append(project_id)

    project_created.connect(hear)
    yield told
    project_created.disconnect(hear)


def test_it_comes_with_secrets_of_its_own(organization, owner):
    one, two = (create_project(organization, name=name, repository_url=URL, who=owner) for name in ("a", "b"))
    assert isinstance(load_ssh_private_key(one.ssh_private_key.encode(), None), Ed25519PrivateKey)
    assert one.ssh_public_key.startswith("ssh-ed25519 ")
    assert one.ssh_private_key != two.ssh_private_key
    assert len(one.hook_secret) >= 43
    assert one.hook_secret != two.hook_secret


def test_its_secrets_are_sealed_at_rest(organization, owner):
    project = create_project(organization, name="a", repository_url=URL, who=owner)
    with connection.cursor() as cursor:
        cursor.execute("SELECT hook_secret, ssh_private_key FROM builds_project")
        stored = " ".join(cursor.fetchone())
    assert project.hook_secret not in stored
    assert "PRIVATE KEY" not in stored


def test_later_apps_hear_of_it_once_it_is_saved(organization, owner, news, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        project = create_project(organization, name="a", repository_url=URL, who=owner)
        assert news == []
    for callback in callbacks:
        callback()
    assert news == [project.pk]


def test_the_audit_log_says_who_and_no_secret(organization, owner):
    project = create_project(organization, name="a", repository_url=URL, who=owner)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.user, entry.organization) == (
        "project.created",
        "a",
        owner,
        organization,
    )
    assert entry.details == {"uuid": str(project.uuid)}
    assert project.hook_secret not in json.dumps(entry.details)


@pytest.mark.django_db(transaction=True)
def test_two_forms_at_once_make_one_project(organization, owner):
    together = Barrier(2)

    def make(_):
        together.wait(timeout=30)
        try:
            create_project(organization, name="a", repository_url=URL, who=owner)
        except ProjectError as error:
            return error.field
        finally:
            connection.close()
        return "made"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(make, range(2))) == ["made", "name"]
    assert Project.objects.count() == 1


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "http://git.example.com/x",
        "https://git.example.com:8443/a/b/c.git",
        "ssh://git@git.example.com/x.git",
        "ssh://git@git.example.com:2222/~me/x.git",
        "git@github.com:shop/api.git",
        "user.name@host-1.example.com:path/x",
        "https://[2001:db8::1]/x.git",
    ],
)
def test_addresses_that_git_knows_are_taken(url):
    assert repository_problem(url) == ""

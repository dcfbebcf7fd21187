"""Whose repository a delivery is of: the project's own, the same under a new name, or another."""

import pytest

from accounts.models import AuditEntry
from builds.models import Build, WebhookDelivery
from tests.builds.webhooks.payloads import REPOSITORY, SENDERS, UUIDS, A, B, push

KNOWING = [name for name in SENDERS if name != "generic"]  # a git server of one's own says nothing of the repository
CLONES = {
    "github": ("github.com", "shop/api"),
    "gitlab": ("gitlab.com", "shop/api"),
    "bitbucket": ("bitbucket.org", "shop/api"),
    "bitbucket_server": ("bitbucket.example.com", "SHOP/api"),
    "gitea": ("github.com", "shop/api"),
}


@pytest.fixture(params=KNOWING, autouse=True)
def host(request, project):
    project.provider = request.param
    project.repository_id = UUIDS[REPOSITORY] if request.param == "bitbucket" else REPOSITORY
    project.repository_name = CLONES[request.param][1]
    project.save()
    return request.param


def test_its_own(send):
    assert "build" in send(push(A, B)).json()
    assert not AuditEntry.objects.filter(action="project.repository_renamed").exists()


def test_an_id_without_braces_is_the_same(send, project):
    project.repository_id = project.repository_id.strip("{}")
    project.save()
    assert "build" in send(push(A, B)).json()


def test_another_is_refused_with_a_sentence(send, project):
    project.repository_id = "99"
    project.save()
    response = send(push(A, B))
    assert response.status_code == 403
    assert "has the id" in response.json()["errors"][0]
    assert WebhookDelivery.objects.get().outcome == "refused"
    assert not Build.objects.exists()


def test_a_project_that_knows_no_id_takes_what_is_signed(send, project):
    project.repository_id = ""
    project.save()
    assert "build" in send(push(A, B)).json()


def test_a_new_name_is_kept_and_written_down(send, project):
    project.repository_name = "shop/old-name"
    project.save()
    assert "build" in send(push(A, B)).json()
    project.refresh_from_db()
    assert project.repository_name == CLONES[project.provider][1]
    entry = AuditEntry.objects.get(action="project.repository_renamed")
    assert entry.details["before"] == "shop/old-name"


def test_a_payload_leads_builds_to_no_other_host(send, project):
    project.repository_name, project.repository_url = "shop/old-name", "https://git.example.com/shop/api.git"
    project.save()
    send(push(A, B, repository={"id": int(REPOSITORY), "full_name": "shop/api", "clone_url": "https://evil.example/x"}))
    project.refresh_from_db()
    assert project.repository_url == "https://git.example.com/shop/api.git"

"""The project's key: made with it, put from a codeship.aes, taken away as one, for those who may change the project."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from accounts.models import AuditEntry
from builds.models import ProjectKey
from builds.services.create_project import create_project
from builds.services.project_key import key_of, put_key
from runners.encryption import new_key


@pytest.fixture
def address(project):
    return f"/projects/{project.uuid}/settings"


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_a_new_project_has_a_key_of_its_own(organization, owner):
    names = ("shop/one", "shop/two")
    one, two = (
        create_project(organization, name=name, repository_url="https://git.example.com/a/b.git", who=owner)
        for name in names
    )

    assert len(key_of(one.pk)) == 44
    assert key_of(one.pk) != key_of(two.pk)


def test_the_key_is_sealed_in_the_database(project, owner):
    text = new_key().text
    put_key(project, text, who=owner)

    with connection.cursor() as cursor:
        cursor.execute("select text from builds_projectkey")
        assert text not in str(cursor.fetchall())


@pytest.mark.parametrize("way", ["file", "text"])
def test_a_codeship_aes_is_taken_as_file_or_text(browser, project, address, way):
    text = new_key().text
    given = SimpleUploadedFile("codeship.aes", f"{text}\r\n".encode()) if way == "file" else f" {text} "

    answer = browser.post(f"{address}/key", {way: given})

    assert answer.url == f"{address}#key"
    assert key_of(project.pk) == text
    assert actions() == ["project.key_put"]
    page = browser.get(address).content.decode()
    assert "Put here" in page
    assert text not in page


@pytest.mark.parametrize("given", [{}, {"text": "no key"}, {"file": SimpleUploadedFile("x", b"\0" * 100_000)}])
def test_what_is_no_key_changes_nothing(browser, project, address, given, owner):
    put_key(project, before := new_key().text, who=owner)

    page = browser.post(f"{address}/key", given, follow=True).content.decode()

    assert "This is no AES key" in page
    assert key_of(project.pk) == before


def test_the_key_is_taken_away_as_a_file_and_that_is_noted(browser, project, address, owner):
    put_key(project, text := new_key().text, who=owner)

    answer = browser.post(f"{address}/key/codeship.aes")

    assert answer.content.decode() == text
    assert 'filename="codeship.aes"' in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    assert actions()[-1] == "project.key_downloaded"


def test_a_link_does_not_fetch_the_key(browser, address):
    assert browser.get(f"{address}/key/codeship.aes").status_code == 405


def test_a_new_key_replaces_the_old_one(browser, project, address, owner):
    put_key(project, before := new_key().text, who=owner)

    browser.post(f"{address}/key/new")

    assert key_of(project.pk) not in {"", before}
    assert ProjectKey.objects.filter(project=project).count() == 1
    assert actions()[-1] == "project.key_renewed"


def test_a_project_without_a_key_says_so(browser, project, address):
    assert "None yet" in browser.get(address).content.decode()
    page = browser.post(f"{address}/key/codeship.aes", follow=True).content.decode()
    assert "The project has no key yet." in page


@pytest.mark.parametrize("path", ["key", "key/new", "key/codeship.aes"])
def test_a_contributor_does_not_touch_it(client, member, project, address, path, owner):
    put_key(project, before := new_key().text, who=owner)
    client.force_login(member)

    assert client.post(f"{address}/{path}", {"text": new_key().text}).status_code == 403

    assert key_of(project.pk) == before
    assert "codeship.aes</button>" not in client.get(address).content.decode()

"""The page of an environment's secrets."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from builds.models import Secret
from deployments.models import Environment

pytestmark = pytest.mark.django_db


@pytest.fixture
def production(project) -> Environment:
    """An environment."""
    return Environment.objects.create(project=project, name="production", source="main")


@pytest.fixture
def address(production) -> str:
    """Its page of secrets."""
    return reverse("environment_secrets", args=[production.project.uuid, production.uuid])


def test_it_is_set_replaced_and_removed_and_never_shown(client, owner, project, address):
    client.force_login(owner)
    Secret.objects.create(project=project, name="OF_ALL", value="seen by every job")
    answer = client.post(address, {"name": " DATABASE_URL ", "value": "line 1\r\nline-2-hidden "}, follow=True)
    page = answer.content.decode()
    kept = Secret.objects.get(environment="production")
    assert (kept.name, kept.value) == ("DATABASE_URL", "line 1\nline-2-hidden ")
    assert "DATABASE_URL is set for what goes to production from now on." in page
    assert "OF_ALL" in page
    assert str(owner) in page
    assert "line-2-hidden" not in page
    assert "seen by every job" not in page
    client.post(address, {"name": "DATABASE_URL", "value": "second"})
    assert Secret.objects.get(environment="production").value == "second"
    client.post(f"{address}/delete", {"name": "DATABASE_URL"})
    client.post(f"{address}/delete", {"name": "OF_ALL"})
    assert list(Secret.objects.values_list("name", flat=True)) == ["OF_ALL"], "another place's stays"
    told = AuditEntry.objects.order_by("pk").values_list("action", "details__environment")
    assert list(told) == [("secret.put", "production")] * 2 + [("secret.deleted", "production")]


@pytest.mark.parametrize(("name", "value"), [("1X", "v"), ("A B", "v"), ("X", ""), ("X", "a\0b")])
def test_what_no_shell_could_hold_is_refused_with_the_reason(client, owner, address, name, value):
    client.force_login(owner)
    answer = client.post(address, {"name": name, "value": value})
    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not Secret.objects.exists()


def test_a_contributor_sees_names_and_changes_nothing(client, member, stranger, project, address):
    Secret.objects.create(project=project, environment="production", name="TOKEN", value="hidden value")
    client.force_login(member)
    page = client.get(address).content.decode()
    assert "TOKEN" in page
    assert "<textarea" not in page
    for path in ("", "/delete"):
        assert client.post(f"{address}{path}", {"name": "TOKEN", "value": "x"}).status_code == 403
    client.force_login(stranger)
    assert client.get(address).status_code == 404
    assert client.post(f"{address}/delete", {"name": "TOKEN"}).status_code == 404
    assert Secret.objects.get().value == "hidden value"


def test_nothing_new_for_what_is_not_configured_any_more(client, owner, production, address):
    Environment.objects.update(retired=True)
    client.force_login(owner)
    assert "no longer in the configuration" in client.get(address).content.decode()
    answer = client.post(address, {"name": "TOKEN", "value": "x"})
    assert (answer.status_code, Secret.objects.count()) == (400, 0)
    assert "no longer in the configuration." in answer.content.decode()


def test_the_projects_settings_lead_to_them(client, owner, project, production, address):
    Environment.objects.create(project=project, name="gone", retired=True)
    Environment.objects.create(project=project, name="gone-with-secrets", retired=True)
    for environment, name in (("", "OF_ALL"), ("production", "TOKEN"), ("gone-with-secrets", "OLD")):
        Secret.objects.create(project=project, environment=environment, name=name, value="hidden value")
    client.force_login(owner)
    page = client.get(reverse("project_settings", args=[project.uuid])).content.decode()
    assert f'href="{address}"' in page
    assert "1 secret" in page
    assert ">gone</a>" not in page
    assert ">gone-with-secrets</a>" in page
    assert ">OF_ALL<" in page
    assert ">TOKEN<" not in page, "an environment's are on its own page"

"""Who may tell us of pushes: every way to be wrong about the signature, for every git host."""

import hashlib
import hmac
import json

import pytest

from builds.models import Build, Project, WebhookDelivery
from builds.webhooks.signature import sign
from tests.builds.webhooks.conftest import SIGNATURE_HEADERS, push


@pytest.fixture
def refused(send, project, provider):
    """Sends with wrong headers, and checks that nothing came of it but one refused row."""

    def refused(payload=None, **wrong):
        response = send(payload or push(), **wrong)
        assert response.status_code == 403
        assert not Build.objects.exists()
        delivery = WebhookDelivery.objects.get()
        assert (delivery.outcome, delivery.project) == ("refused", project)
        assert SIGNATURE_HEADERS[provider] in delivery.reason
        assert project.hook_secret not in response.content.decode() + delivery.reason

    return refused


def header(provider, value):
    return {SIGNATURE_HEADERS[provider]: value}


def test_a_good_signature_builds(send, provider):
    assert send(push()).status_code == 202
    assert Build.objects.count() == 1


def test_none(refused, provider):
    refused(headers=header(provider, None))


@pytest.mark.parametrize(
    "value", ["", "sha256=", "sha256=" + "0" * 64, "garbage", "sha256=\xff\xfe", "sha256=é", "sha256=" + "a" * 100_000]
)
def test_wrong(refused, provider, value):
    refused(headers=header(provider, value))


def test_sha1_alone_counts_for_nothing(refused, provider, project):
    body = json.dumps(push()).encode()
    sha1 = "sha1=" + hmac.new(project.hook_secret.encode(), body, hashlib.sha1).hexdigest()
    refused(body, headers={**header(provider, None), "X-Hub-Signature": sha1})


def test_sha1_in_the_place_of_sha256(refused, provider, project):
    body = json.dumps(push()).encode()
    refused(
        body, headers=header(provider, "sha1=" + hmac.new(project.hook_secret.encode(), body, hashlib.sha1).hexdigest())
    )


def test_another_projects_signature(refused, project, organization, provider):
    other = Project.objects.create(organization=organization, name="other", repository_url="x", provider=provider)
    refused(secret=other.hook_secret)


def test_one_byte_changed(refused, provider, project):
    body = json.dumps(push()).encode()
    refused(body.replace(b"main", b"mine"), headers=header(provider, sign(project.hook_secret, body)))


def test_the_same_json_written_otherwise(refused, provider, project):
    body = json.dumps(push()).encode()
    refused(json.dumps(push(), indent=1).encode(), headers=header(provider, sign(project.hook_secret, body)))


def test_a_trailing_newline(refused, provider, project):
    body = json.dumps(push()).encode()
    refused(body + b"\n", headers=header(provider, sign(project.hook_secret, body)))


def test_upper_case_hex_is_another_text(refused, provider, project):
    body = json.dumps(push()).encode()
    refused(body, headers=header(provider, sign(project.hook_secret, body).upper()))


def test_a_project_without_a_secret_lets_nobody_in(client, project, provider):
    Project.objects.update(hook_secret="")
    body = json.dumps(push()).encode()
    for secret in ("", " "):
        response = client.post(
            f"/hooks/{provider}/{project.uuid}",
            body,
            content_type="application/json",
            headers={SIGNATURE_HEADERS[provider]: sign(secret, body)},
        )
        assert response.status_code == 403
    assert not Build.objects.exists()


def test_the_body_is_not_read_before_it_is_verified(send, provider):
    assert send(b"{" * 1_000_000, secret="wrong").status_code == 403


def test_the_address_decides_whose_it_is_not_the_payload(send, project, organization, provider):
    other = Project.objects.create(organization=organization, name="other", repository_url="x", provider=provider)
    send(push(repository={"full_name": "other", "clone_url": "x"}, project_uuid=str(other.uuid)))
    assert Build.objects.get().project == project


def test_a_project_of_another_host_is_not_there(client, send, project, provider):
    other = {"github": "generic", "generic": "github"}[provider]
    body = json.dumps(push()).encode()
    headers = {name: sign(project.hook_secret, body) for name in SIGNATURE_HEADERS.values()}
    for address in (f"/hooks/{other}/{project.uuid}", f"/hooks/gitlab/{project.uuid}"):
        response = client.post(address, body, content_type="application/json", headers=headers)
        assert response.status_code == 404
    assert not WebhookDelivery.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("uuid", ["00000000-0000-4000-8000-000000000000", "nonsense", "../../login"])
def test_an_unknown_project_is_not_there(client, uuid):
    assert client.post(f"/hooks/github/{uuid}", b"{}", content_type="application/json").status_code == 404


def test_a_flood_of_refusals_leaves_few_rows(send, provider, project):
    for _ in range(80):
        assert send(push(), secret="wrong").status_code == 403
    assert WebhookDelivery.objects.count() == 60
    assert send(push()).status_code == 202
    assert WebhookDelivery.objects.filter(outcome="built").count() == 1


def test_only_post(client, project, provider):
    for method in ("get", "put", "delete", "patch", "head"):
        assert getattr(client, method)(f"/hooks/{provider}/{project.uuid}").status_code == 405

"""Who may tell us of pushes: every way to be wrong about the signature, for every git host."""

import hashlib
import hmac
import json

import pytest

from builds.models import Build, Project, WebhookDelivery
from tests.builds.webhooks.payloads import SENDERS, as_sent, push

OF_THE_BODY = [name for name in SENDERS if name != "gitlab"]  # whose token is the secret itself


@pytest.fixture
def refused(send, project, provider):
    """Sends with wrong headers, and checks that nothing came of it but one refused row."""

    def refused(payload=None, **wrong):
        response = send(payload or push(), **wrong)
        assert response.status_code == 403
        assert not Build.objects.exists()
        delivery = WebhookDelivery.objects.get()
        assert (delivery.outcome, delivery.project) == ("refused", project)
        assert SENDERS[provider].signature in delivery.reason
        assert project.hook_secret not in response.content.decode() + delivery.reason

    return refused


def header(provider, value):
    return {SENDERS[provider].signature: value}


def body_of(provider, **how):
    return json.dumps(as_sent(provider, push())[1], **how).encode()


def right(provider, project, body):
    """The headers that let this body in."""
    return SENDERS[provider].headers(project.hook_secret, body)


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
    body = body_of(provider)
    sha1 = "sha1=" + hmac.new(project.hook_secret.encode(), body, hashlib.sha1).hexdigest()
    refused(body, headers={**header(provider, None), "X-Hub-Signature": sha1})


def test_sha1_in_the_place_of_sha256(refused, provider, project):
    body = body_of(provider)
    refused(
        body, headers=header(provider, "sha1=" + hmac.new(project.hook_secret.encode(), body, hashlib.sha1).hexdigest())
    )


def test_another_projects_signature(refused, project, organization, provider):
    other = Project.objects.create(organization=organization, name="other", repository_url="x", provider=provider)
    refused(secret=other.hook_secret)


@pytest.mark.parametrize("provider", OF_THE_BODY, indirect=True)
def test_one_byte_changed(refused, provider, project):
    body = body_of(provider)
    refused(body.replace(b"main", b"mine"), headers=right(provider, project, body))


@pytest.mark.parametrize("provider", OF_THE_BODY, indirect=True)
def test_the_same_json_written_otherwise(refused, provider, project):
    refused(body_of(provider, indent=1), headers=right(provider, project, body_of(provider)))


@pytest.mark.parametrize("provider", OF_THE_BODY, indirect=True)
def test_a_trailing_newline(refused, provider, project):
    body = body_of(provider)
    refused(body + b"\n", headers=right(provider, project, body))


def test_upper_case_is_another_text(refused, provider, project):
    body = body_of(provider)
    refused(body, headers=header(provider, right(provider, project, body)[SENDERS[provider].signature].upper()))


def test_a_project_without_a_secret_lets_nobody_in(client, project, provider):
    Project.objects.update(hook_secret="")
    body = body_of(provider)
    for secret in ("", " "):
        response = client.post(
            f"/hooks/{provider}/{project.uuid}",
            body,
            content_type="application/json",
            headers=SENDERS[provider].headers(secret, body),
        )
        assert response.status_code == 403
    assert not Build.objects.exists()


@pytest.mark.parametrize("provider", OF_THE_BODY, indirect=True)
def test_one_more_digit(refused, provider, project):
    body = body_of(provider)
    refused(body, headers=header(provider, right(provider, project, body)[SENDERS[provider].signature] + "0"))


def test_the_body_is_not_read_before_it_is_verified(send, provider):
    assert send(b"{" * 1_000_000, secret="wrong").status_code == 403


def test_the_address_decides_whose_it_is_not_the_payload(send, project, organization, provider):
    other = Project.objects.create(organization=organization, name="other", repository_url="x", provider=provider)
    send(push(repository={"full_name": "other", "clone_url": "x"}, project_uuid=str(other.uuid)))
    assert Build.objects.get().project == project


def test_a_project_of_another_host_is_not_there(client, project, provider):
    body = body_of(provider)
    headers = {name: value for sender in SENDERS.values() for name, value in sender.headers("x", body).items()}
    others = [name for name in SENDERS if name != provider]
    for address in [*others, "nonsense", "GITHUB"]:
        response = client.post(
            f"/hooks/{address}/{project.uuid}", body, content_type="application/json", headers=headers
        )
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

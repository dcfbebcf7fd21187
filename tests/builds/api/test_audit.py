"""The filters of the audit log: what they let through, and times that no calendar has."""

from __future__ import annotations

import pytest

from accounts.services.audit import record

pytestmark = pytest.mark.django_db
ODD = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "yesterday", "10000-01-01T00:00:00Z"]


@pytest.fixture
def url(organization, owner):
    record("secret.set", "TOKEN", user=owner, organization=organization)
    record("member.left", "ada@example.com", user=None, organization=organization)
    return f"/v2/organizations/{organization.uuid}/audit"


def found(answer):
    assert answer.status_code == 200
    return [entry["action"] for entry in answer.json()["entries"]]


def test_person_action_and_time_narrow_what_is_told(api, url):
    assert found(api.get(url, {"action": "member."})) == ["member.left"]
    assert "member.left" not in found(api.get(url, {"who": "OWNER@"}))
    assert "secret.set" in found(api.get(url, {"who": "OWNER@", "since": "2020-01-01T00:00:00Z"}))
    assert found(api.get(url, {"until": "2020-01-01T00:00:00Z"})) == []


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("moment", ODD)
def test_what_no_calendar_has_is_refused(api, url, name, moment):
    assert api.get(url, {name: moment}).status_code == 400


@pytest.mark.parametrize("name", ["since", "until"])
def test_time_zones_beyond_those_of_the_database_are_understood(api, url, name):
    assert api.get(url, {name: "2020-01-01T00:00:00+23:59"}).status_code == 200


@pytest.mark.parametrize("page", ["", ".csv"])
@pytest.mark.parametrize("asked", [{"since": "31/31/2020"}, {"until": "0000-00-00"}, {"action": "no.such"}])
def test_the_page_and_its_file_refuse_what_they_do_not_understand(client, owner, organization, page, asked):
    client.force_login(owner)
    assert client.get(f"/organizations/{organization.uuid}/audit{page}", asked).status_code == 400

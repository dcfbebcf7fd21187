"""Connections: they work when they are made, say when they no longer do, and never show what they hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from accounts.models import AuditEntry
from builds.models import Connection, OutboxEntry
from builds.services import connections
from builds.services.connections import (
    ConnectionError,
    Credentials,
    add_connection,
    remove_connection,
    replace_credentials,
)
from tests.builds.hosting.conftest import later, work
from tests.builds.providers.conftest import access_to
from tests.builds.providers.standin import Reply
from tests.builds.providers.standin_github import GitHubAppStandIn

pytestmark = pytest.mark.django_db


def credentials_of(standin) -> Credentials:
    access = access_to(standin)
    return Credentials(access.token, access.app_id, access.app_key, access.installation_id)


def test_every_host_can_be_connected_to(any_standin, organization, owner):
    access = access_to(any_standin)
    made = add_connection(organization, access.provider, access.url + "/", credentials_of(any_standin), who=owner)
    kept = Connection.objects.get()
    assert (kept, kept.account, kept.problem, kept.url) == (made, any_standin.account, "", access.url)
    assert kept.checked_at is not None
    assert (kept.token, kept.app_key.strip()) == (access.token, access.app_key.strip())


def test_what_is_secret_is_sealed_and_in_no_log(any_standin, organization, owner, caplog):
    credentials = credentials_of(any_standin)
    access = access_to(any_standin)
    add_connection(organization, access.provider, access.url, credentials, who=owner)
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM builds_connection")
        rows = repr(cursor.fetchall())
    entries = json.dumps(list(AuditEntry.objects.values_list("action", "subject", "details")))
    for secret in filter(None, (credentials.token, credentials.app_key.split("\n")[1] if credentials.app_key else "")):
        assert secret not in rows
        assert secret not in entries
        assert secret not in caplog.text
        assert secret not in repr(credentials)
    assert AuditEntry.objects.get().action == "connection.added"


def test_a_token_that_does_not_do_is_not_kept(standin, organization, owner):
    with pytest.raises(ConnectionError, match="does not accept the token") as refusal:
        add_connection(organization, "github", standin.url, Credentials("wrong-token"), who=owner)
    assert refusal.value.field == "token"
    standin.scopes = "gist"
    with pytest.raises(ConnectionError, match="repo"):
        add_connection(organization, "github", standin.url, Credentials(standin.token), who=owner)
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("provider", "url", "values", "field"),
    [
        ("generic", "https://git.example.com", {"token": "x"}, "provider"),
        ("svn", "https://git.example.com", {"token": "x"}, "provider"),
        ("gitlab", "gitlab.com", {"token": "x"}, "url"),
        ("gitlab", "https://ann:word@gitlab.com", {"token": "x"}, "url"),
        ("gitlab", "https://[bad", {"token": "x"}, "url"),
        ("gitlab", "http://gitlab.example.com", {"token": "x"}, "url"),
        ("gitlab", "https://gitlab.com/?private_token=x", {"token": "x"}, "url"),
        ("gitlab", "", {"token": "two words"}, "token"),
        ("gitlab", "", {"token": "x\r\nHost: evil"}, "token"),
        ("gitlab", "", {"token": "ключ"}, "token"),
        ("gitlab", "", {"token": "x" * 3000}, "token"),
        ("gitlab", "", {}, "token"),
        ("gitlab", "", {"app_id": "5", "app_key": "-----BEGIN X", "installation_id": "6"}, "app_id"),
        ("github", "", {"app_id": "5", "app_key": "no key", "installation_id": "6"}, "app_key"),
        ("github", "", {"app_id": "../x", "app_key": "-----BEGIN X", "installation_id": "6"}, "app_id"),
        ("github", "", {"app_id": "5", "app_key": "-----BEGIN X", "installation_id": ""}, "installation_id"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(provider, url, values, field, organization, owner):
    with pytest.raises(ConnectionError) as refusal:
        add_connection(organization, provider, url, Credentials(**values), who=owner)
    assert refusal.value.field == field
    assert not Connection.objects.exists()


def test_a_token_is_replaced_and_the_one_before_forgotten(standin, connection, owner):
    standin.token = "tok-brand-new-1234"
    with pytest.raises(ConnectionError):
        replace_credentials(connection, Credentials("tok-wrong"), who=owner)
    assert Connection.objects.get().token != "tok-wrong"
    Connection.objects.update(problem="Expired.")
    replace_credentials(connection, Credentials("tok-brand-new-1234"), who=owner)
    kept = Connection.objects.get()
    assert (kept.token, kept.problem, kept.expires_at) == (
        "tok-brand-new-1234",
        "",
        datetime(2027, 3, 1, 12, tzinfo=UTC),
    )


def test_a_token_becomes_an_app(start, organization, owner):
    standin = start(GitHubAppStandIn)
    connection = add_connection(organization, "github", standin.url, Credentials(standin.token), who=owner)
    replace_credentials(connection, credentials_of(standin), who=owner)
    kept = Connection.objects.get()
    assert (kept.token, kept.app_id) == ("", standin.app_id)


def test_one_that_is_needed_stays(tied, connection, owner):
    with pytest.raises(ConnectionError, match="shop/api need"):
        remove_connection(connection, who=owner)
    tied.connection = None
    tied.save()
    remove_connection(connection, who=owner)
    assert not Connection.objects.exists()
    assert AuditEntry.objects.latest("pk").action == "connection.removed"


def test_each_is_checked_once_a_day_and_tells_its_trouble(standin, connection):
    assert connections.check_what_is_due() == 1
    work()
    assert connections.check_what_is_due() == 0
    assert Connection.objects.get().expires_at == datetime(2027, 3, 1, 12, tzinfo=UTC)
    Connection.objects.update(checked_at=timezone.now() - timedelta(hours=25))
    token, standin.token = standin.token, "revoked"
    OutboxEntry.objects.all().delete()
    assert connections.check_what_is_due() == 1
    work()
    assert "expired or was revoked" in Connection.objects.get().problem
    standin.token = token
    connections.check_now(Connection.objects.get())
    assert Connection.objects.get().problem == ""


def test_a_host_that_is_away_does_not_spoil_a_connection_by_itself(standin, connection):
    standin.fault = lambda request: Reply(503, {})
    connections.check_what_is_due()
    work()
    later()
    work()
    assert Connection.objects.get().problem == ""
    connections.check_now(connection)
    assert Connection.objects.get().problem == "GitHub answered 503."


def test_the_end_of_a_token_is_seen_a_week_before():
    for days, soon in ((1, True), (8, False), (-1, True)):
        assert connections.ends_soon(Connection(expires_at=timezone.now() + timedelta(days=days))) is soon
    assert not connections.ends_soon(Connection())

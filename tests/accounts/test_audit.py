"""The audit log: who, from where, in the same transaction, for ever."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import AlteredError, AuditEntry
from accounts.services.account import rename
from accounts.services.audit import record
from accounts.services.tokens import make_token

needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's audit log has no trigger")


@pytest.fixture
def entry(organization, owner):
    return record("team.created", "Backend", user=owner, organization=organization)


def test_an_entry_says_from_which_address_it_was_asked(confirmed):
    confirmed.post("/account/tokens", {"name": "laptop", "days": "30"}, REMOTE_ADDR="192.0.2.7")
    assert AuditEntry.objects.get(action="token.made").address == "192.0.2.7"


def test_what_no_request_asked_for_has_no_address(owner):
    make_token(owner, "laptop")
    assert AuditEntry.objects.get(action="token.made").address is None


def test_a_request_through_a_socket_has_no_address(confirmed):
    confirmed.post("/account/tokens", {"name": "laptop", "days": "30"}, REMOTE_ADDR="")
    assert AuditEntry.objects.get(action="token.made").address is None


def test_nobody_alters_an_entry_through_the_models(entry):
    entry.action = "nothing.happened"
    for alter in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(action="nothing.happened"),
    ):
        with pytest.raises(AlteredError):
            alter()
    assert AuditEntry.objects.get().action == "team.created"


@needs_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET action = 'nothing.happened'",
        "UPDATE accounts_auditentry SET organization_id = NULL",
        "DELETE FROM accounts_auditentry",
    ],
)
def test_nobody_alters_an_entry_in_the_database(entry, statement):
    with pytest.raises(DatabaseError, match="not altered"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.get().action == "team.created"


@pytest.mark.django_db(transaction=True)
def test_entries_go_with_their_organisation(entry, organization):
    organization.delete()
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_entries_stay_when_their_person_goes(entry, make_user, organization):
    somebody = make_user("gone@example.com")
    rename(somebody, "Gone")
    record("team.deleted", "Backend", user=somebody, organization=organization)
    somebody.delete()
    assert AuditEntry.objects.get(action="team.deleted").user is None


@pytest.mark.django_db(transaction=True)
def test_an_act_that_is_rolled_back_leaves_no_entry(organization, owner):
    with transaction.atomic():
        record("team.created", "Backend", user=owner, organization=organization)
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()

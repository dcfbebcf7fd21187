"""More than one e-mail address: added, confirmed, chosen to log in with, removed."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.services.identities import user_of_email
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
PAGE = "/account/addresses"


def add(client: Client, email: str):
    return client.post(PAGE, {"email": email, "action_add": "1"})


@pytest.fixture
def second(confirmed, letters, link_in):
    """A second address of the owner, confirmed."""
    add(confirmed, "Second@example.com")
    (letter,) = letters()
    confirmed.post(link_in(letter))
    return "second@example.com"


def test_an_address_counts_once_it_is_confirmed(confirmed, owner, letters, link_in):
    assert add(confirmed, "second@example.com").url == PAGE
    assert user_of_email("second@example.com") is None
    (letter,) = letters()
    assert letter.to == ["second@example.com"]
    confirmed.post(link_in(letter))
    assert user_of_email("Second@Example.com") == owner
    owner.refresh_from_db()
    assert owner.email == "owner@example.com", "it is not the one to log in with"


def test_another_address_is_chosen_to_log_in_with(confirmed, owner, second, letters, log_in):
    confirmed.post(PAGE, {"email": second, "action_primary": "1"})
    owner.refresh_from_db()
    assert owner.email == second
    assert [(letter.to, letter.subject) for letter in letters()] == [
        (["owner@example.com"], "Your address was changed · ciservice")
    ]
    assert AuditEntry.objects.filter(action="address.changed", subject=second).exists()
    confirmed.post("/logout")
    assert log_in(second).url == "/"


def test_an_address_is_removed_but_not_the_one_to_log_in_with(confirmed, owner, second):
    confirmed.post(PAGE, {"email": owner.email, "action_remove": "1"})
    confirmed.post(PAGE, {"email": second, "action_remove": "1"})
    assert list(EmailAddress.objects.values_list("email", flat=True)) == [owner.email]


def test_an_address_of_another_person_is_not_taken_over(confirmed, owner, member, letters, link_in):
    answer = add(confirmed, member.email)
    assert answer.status_code == 302, "the answer does not tell that it is taken"
    confirmed.post(PAGE, {"email": member.email, "action_primary": "1"})
    for letter in letters():
        Client().post(link_in(letter))
    owner.refresh_from_db()
    assert owner.email == "owner@example.com"
    assert user_of_email(member.email) == member


def test_an_address_with_which_somebody_signed_up_is_not_chosen(confirmed, owner, letters, link_in):
    add(confirmed, "claimed@example.com")
    confirmed.post(link_in(letters()[0]))
    User.objects.create(email="claimed@example.com")  # signed up, and never confirmed
    confirmed.post(PAGE, {"email": "claimed@example.com", "action_primary": "1"})
    assert "Somebody else logs in with this address" in confirmed.get(PAGE).content.decode()
    owner.refresh_from_db()
    assert owner.email == "owner@example.com"


def test_changes_ask_who_is_there(client, owner):
    client.force_login(owner)
    assert add(client, "second@example.com").url.startswith("/account/confirm?next=")
    assert not EmailAddress.objects.filter(email="second@example.com").exists()


@pytest.mark.parametrize("email", ["", "nonsense", "a\0b@example.com", "owner@example.com", "x" * 300 + "@example.com"])
def test_odd_addresses_are_said(confirmed, email):
    assert add(confirmed, email).status_code == 200
    for action in ("action_primary", "action_remove", "action_send"):
        assert confirmed.post(PAGE, {"email": email, action: "1"}).status_code == 302


def test_mail_about_builds_is_switched_off_and_on(confirmed, owner):
    confirmed.post("/account/mail", {})
    owner.refresh_from_db()
    assert not owner.gets_mail
    confirmed.post("/account/mail", {"gets_mail": "on"})
    owner.refresh_from_db()
    assert owner.gets_mail
    assert owner.check_password(PASSWORD)

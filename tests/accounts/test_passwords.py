"""Forgotten passwords, and saying once more who one is."""

from __future__ import annotations

import time

import pytest
import time_machine
from django.test import Client

from accounts.models import ApiToken, AuditEntry, User
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "another staple entirely"


def choose(client: Client, link: str, password: str = NEW):
    """Follow the letter's link and choose a password."""
    form = client.get(link, follow=True)
    return client.post(form.request["PATH_INFO"], {"password1": password, "password2": password})


def test_a_letter_leads_to_a_new_password(client, owner, letters, link_in, log_in):
    other = Client()
    other.force_login(owner)
    assert client.post("/password", {"email": owner.email.upper()}).url == "/password/sent"
    (letter,) = letters()
    assert (letter.to, letter.subject) == ([owner.email], "Choose a new password · ciservice")
    assert choose(client, link_in(letter)).url == "/password/new"
    assert client.get("/account").status_code == 302, "the letter lets nobody in by itself"
    assert other.get("/account").status_code == 302, "every session is ended"
    assert "do not belong together" in log_in(owner.email, PASSWORD).content.decode()
    assert log_in(owner.email, NEW).url == "/"
    assert [letter.subject for letter in letters()] == ["Your password was changed · ciservice"]
    assert AuditEntry.objects.filter(action="password.reset", user=owner).exists()


def test_the_link_is_good_once_and_for_an_hour(client, owner, letters, link_in):
    client.post("/password", {"email": owner.email})
    link = link_in(letters()[0])
    with time_machine.travel(time.time() + 3700, tick=True):
        assert "works no more" in client.get(link, follow=True).content.decode()
    choose(client, link)
    assert "works no more" in Client().get(link, follow=True).content.decode()


def test_the_key_stands_in_no_address_where_the_password_is_typed(client, owner, letters, link_in):
    client.post("/password", {"email": owner.email})
    link = link_in(letters()[0])
    assert client.get(link).url.endswith("/set-password")
    assert client.get(link).headers["Cache-Control"]


@pytest.mark.parametrize(
    ("password", "said"), [("short", "too short"), ("owner@example.com", "too similar"), ("", "required")]
)
def test_a_poor_password_is_not_taken(client, owner, letters, link_in, password, said):
    client.post("/password", {"email": owner.email})
    assert said in choose(client, link_in(letters()[0]), password).content.decode()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("path", ["/password/1/no-such-key", "/password/zzzzzzzzzzzzzzzz/x-y", "/password/%00/x"])
def test_a_link_that_somebody_made_up_works_not(client, db, path):
    answer = client.get(path)
    assert (answer.status_code, b"works no more" in answer.content) == (200, True)


def test_the_answer_does_not_tell_who_has_an_account(client, owner, letters):
    answers = [client.post("/password", {"email": email}) for email in (owner.email, "nobody@example.com")]
    assert {(answer.status_code, answer.url) for answer in answers} == {(302, "/password/sent")}
    subjects = {letter.to[0]: letter.subject for letter in letters()}
    assert subjects == {
        owner.email: "Choose a new password · ciservice",
        "nobody@example.com": "No account with this address · ciservice",
    }


def test_letters_to_one_address_are_counted(client, owner, letters):
    for _ in range(5):
        client.post("/password", {"email": owner.email})
    assert len(letters()) == 3


def test_who_is_shut_out_gets_no_new_password(client, owner, letters):
    User.objects.update(is_active=False)
    client.post("/password", {"email": owner.email})
    assert [letter.subject for letter in letters()] == ["No account with this address · ciservice"]


def test_a_token_is_made_after_the_password_was_typed_once_more(client, owner):
    client.force_login(owner)
    answer = client.post("/account/tokens", {"name": "laptop", "days": "30"})
    assert answer.url == "/account/confirm?next=%2Faccount%2Ftokens"
    assert not ApiToken.objects.exists()
    assert "This is not your password" in client.post(answer.url, {"password": "wrong"}).content.decode()
    page = client.post(answer.url, {"password": PASSWORD}).content.decode()
    assert "cis_" in page, "what was asked for goes on by itself"
    assert ApiToken.objects.get().name == "laptop"


def test_saying_who_one_is_is_counted_as_a_log_in(client, owner):
    client.force_login(owner)
    for _ in range(10):
        client.post("/account/confirm", {"password": "wrong"})
    assert client.post("/account/confirm", {"password": PASSWORD}).status_code == 429
    with time_machine.travel(time.time() + 61, tick=True):
        said = client.post("/account/confirm", {"password": PASSWORD}).content.decode()
    assert "Too many attempts" in said


def test_it_is_asked_for_again_after_ten_minutes(confirmed):
    assert confirmed.get("/account/factors/on").status_code == 200
    with time_machine.travel(time.time() + 601, tick=True):
        assert confirmed.get("/account/factors/on").status_code == 302

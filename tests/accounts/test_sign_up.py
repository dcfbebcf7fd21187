"""Signing up: who may, what it says, and that an address has to be confirmed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Invitation, User
from accounts.services.create_organization import create_organization
from accounts.services.invitations import digest_of
from accounts.sign_in.invited import remember
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = {"email": "new@example.com", "name": "Ada", "password1": PASSWORD}


@pytest.fixture
def is_open(settings):
    settings.SIGN_UP = "open"


@pytest.fixture
def invited(client, organization):
    """The visitor followed an invitation to new@example.com; gives its row."""
    row = Invitation.objects.create(
        organization=organization,
        email="new@example.com",
        digest=digest_of("the-token"),
        expires_at=timezone.now() + timedelta(days=1),
    )
    follow(client, "the-token")
    return row


def follow(client: Client, raw_token: str) -> None:
    """What the page of an invitation does."""
    request = type("Request", (), {"session": client.session})()
    remember(request, raw_token)
    request.session.save()
    client.cookies["sessionid"] = request.session.session_key


def test_who_confirms_their_address_is_in(client, is_open, letters, link_in):
    answer = client.post("/sign-up", NEW)
    assert (answer.status_code, answer.url) == (302, "/confirm")
    assert client.get("/account").status_code == 302, "not before the address is confirmed"
    (letter,) = letters()
    assert letter.to == ["new@example.com"]
    assert client.get(link_in(letter)).status_code == 200, "a mail program that looks at links confirms nothing"
    assert client.get("/account").status_code == 302
    answer = client.post(link_in(letter))
    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get("/account").status_code == 200
    person = User.objects.get(email="new@example.com")
    assert (person.name, person.organizations.count()) == ("Ada", 0)


def test_the_page_of_projects_tells_who_is_in_no_organisation_what_to_do(client, make_user):
    client.force_login(make_user("alone@example.com"))
    assert "organisation" in client.get("/").content.decode()


def test_a_letter_has_text_and_html_and_the_public_address(client, is_open, letters, settings, link_in):
    settings.PUBLIC_URL = "https://ci.example.com"
    client.post("/sign-up", {**NEW, "email": "<b>@example.com"})
    client.post("/sign-up", NEW)
    (letter,) = letters()
    ((html, kind),) = letter.alternatives
    assert kind == "text/html"
    for text in (letter.body, html):
        assert "https://ci.example.com/confirm/" in text
        assert "testserver" not in text
    assert letter.subject == "Confirm your address · ciservice"


def test_the_link_works_in_another_browser_which_is_not_logged_in_by_it(client, is_open, letters, link_in, log_in):
    client.post("/sign-up", NEW)
    other = Client()
    assert other.post(link_in(letters()[0])).url == "/login"
    assert other.get("/account").status_code == 302
    assert log_in("new@example.com").url == "/"


def test_who_did_not_confirm_is_asked_to(client, is_open, letters, log_in):
    client.post("/sign-up", NEW)
    letters()
    client.cookies.clear()
    assert log_in("new@example.com").url == "/confirm"
    assert client.get("/account").status_code == 302


def test_sign_up_does_not_tell_who_has_an_account(client, is_open, owner, letters):
    told = []
    for email in (NEW["email"], owner.email):
        browser = Client()
        answer = browser.post("/sign-up", {**NEW, "email": email.upper()})
        told.append((answer.status_code, answer.url, browser.get(answer.url).content.replace(email.encode(), b"")))
    assert told[0] == told[1]
    subjects = {letter.to[0]: letter.subject for letter in letters()}
    assert subjects[owner.email] == "You have an account already · ciservice"
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)
    assert User.objects.filter(email=owner.email).count() == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"password1": "short"}, "too short"),
        ({"password1": "new@example.com"}, "too similar"),
        ({"password1": "password1234"}, "too common"),
        ({"password1": ""}, "required"),
        ({"email": "nonsense"}, "valid email"),
        ({"email": ""}, "required"),
        ({"email": "a\0b@example.com"}, ""),
        ({"name": "x" * 200}, "at most 150"),
        ({"name": "a\0b"}, "Null characters"),
        ({"password1": "x" * 5000}, "at most 4096"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_shown_again(client, is_open, fields, said):
    answer = client.post("/sign-up", {**NEW, **fields})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert said in text
    assert PASSWORD not in text
    assert not User.objects.exists()


@pytest.mark.parametrize("setting", ["invited", "closed"])
def test_without_an_invitation_nobody_signs_up(client, db, settings, setting):
    settings.SIGN_UP = setting
    for answer in (client.get("/sign-up"), client.post("/sign-up", NEW)):
        assert "You need an invitation" in answer.content.decode()
    assert not User.objects.exists()
    assert "/sign-up" not in client.get("/login").content.decode()


def test_an_invitation_opens_the_sign_up_for_its_address(client, invited, letters, link_in):
    page = client.get("/sign-up").content.decode()
    assert "new@example.com" in page
    assert "Shop" in page
    client.post("/sign-up?next=/account", {**NEW, "next": "/account"})
    assert client.post(link_in(letters()[0])).url == "/account", "on to where the invitation is accepted"


def test_an_invitation_is_good_for_no_other_address(client, invited):
    answer = client.post("/sign-up", {**NEW, "email": "other@example.com"})
    assert "sent to another address" in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "change", [{"accepted_at": timezone.now()}, {"withdrawn_at": timezone.now()}, {"expires_at": timezone.now()}]
)
def test_an_invitation_that_is_over_opens_nothing(client, invited, change):
    Invitation.objects.update(**change)
    assert "You need an invitation" in client.get("/sign-up").content.decode()


def test_where_sign_up_is_closed_an_invitation_does_not_help(client, invited, settings):
    settings.SIGN_UP = "closed"
    assert "You need an invitation" in client.get("/sign-up").content.decode()


def test_sign_ups_from_one_address_are_counted(client, is_open):
    for number in range(20):
        client.post("/sign-up", {**NEW, "email": f"new{number}@example.com"})
    answer = client.post("/sign-up", {**NEW, "email": "late@example.com"})
    assert answer.status_code == 429
    assert "Too many attempts" in answer.content.decode()
    assert not User.objects.filter(email="late@example.com").exists()


@pytest.mark.parametrize(
    "next_url", ["https://evil.example.com/", "//evil.example.com", "http://localhost/", "javascript:alert(1)"]
)
def test_next_leads_to_no_other_site(client, is_open, letters, link_in, next_url):
    client.post("/sign-up", {**NEW, "next": next_url})
    assert client.post(link_in(letters()[0])).url == "/"


def test_who_was_here_before_addresses_were_confirmed_logs_in(client, log_in, letters):
    old = User(email="old@example.com")
    old.set_password(PASSWORD)
    old.save()
    assert log_in("old@example.com").url == "/"
    assert letters() == []


def test_a_person_without_organisation_can_make_one(make_user):
    person = make_user("alone@example.com")
    assert create_organization("Mine", person).memberships.get().user == person

"""The way in and out: what lets people in, what does not, and how little it says."""

import pytest
from django.conf import settings
from django.urls import reverse

from accounts.services.check_password import CLOSED
from accounts.sign_in.forms import WRONG

PASSWORD = "correct horse battery"


def log_in(client, email, password, **more):
    return client.post("/login", {"username": email, "password": password, **more})


@pytest.mark.parametrize("email", ["owner@example.com", "OWNER@Example.com", " owner@example.com "])
def test_the_right_password_lets_in(client, owner, email):
    response = log_in(client, email, PASSWORD)
    assert (response.status_code, response.url) == (302, reverse(settings.LOGIN_REDIRECT_URL))
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("owner@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("inactive@example.com", PASSWORD),
        ("owner@example.com", PASSWORD.upper()),
        ("owner@example.com", PASSWORD + " "),
    ],
)
def test_the_answer_never_says_what_was_wrong(client, owner, make_user, email, password):
    inactive = make_user("inactive@example.com")
    inactive.is_active = False
    inactive.save()
    response = log_in(client, email, password)
    assert response.context["form"].non_field_errors() == [WRONG]
    assert client.get("/account").status_code == 302


def test_ten_failures_close_the_door_for_that_account_only(client, owner, member):
    for _ in range(10):
        assert WRONG in log_in(client, owner.email, "wrong").content.decode()
    assert CLOSED in log_in(client, owner.email.upper(), PASSWORD).content.decode()
    assert log_in(client, member.email, PASSWORD).status_code == 302


def test_the_door_stays_open_from_another_address(client, owner):
    for _ in range(11):
        log_in(client, owner.email, "wrong")
    client.defaults["REMOTE_ADDR"] = "192.0.2.7"
    assert log_in(client, owner.email, PASSWORD).status_code == 302


@pytest.mark.parametrize(
    ("next_url", "goes_to"),
    [
        ("/account", "/account"),
        ("https://evil.example.com/", None),
        ("//evil.example.com/", None),
        ("/\\evil.example.com/", None),
        ("javascript:alert(1)", None),
        ("http:///evil.example.com", None),
        ("/%0d%0aX:y", "/%0d%0aX:y"),
    ],
)
def test_next_goes_only_to_this_site(client, owner, next_url, goes_to):
    response = log_in(client, owner.email, PASSWORD, next=next_url)
    assert response.url == (goes_to or reverse(settings.LOGIN_REDIRECT_URL))


def test_logging_in_makes_a_new_session(client, owner):
    client.get("/login")
    session = client.session
    session["seen"] = True
    session.save()
    before = session.session_key
    client.cookies[settings.SESSION_COOKIE_NAME] = before
    log_in(client, owner.email, PASSWORD)
    assert client.session.session_key != before


def test_logging_out_needs_a_post(client, owner):
    client.force_login(owner)
    assert client.get("/logout").status_code == 405
    assert client.get("/account").status_code == 200
    assert client.post("/logout").status_code == 302
    assert client.get("/account").status_code == 302


@pytest.mark.parametrize(
    "email", ["", "not an address", "a\0b@example.com", "x" * 300 + "@example.com", "ü@exämple.com"]
)
def test_odd_addresses_are_no_errors_of_ours(client, owner, email):
    assert log_in(client, email, PASSWORD).status_code == 200

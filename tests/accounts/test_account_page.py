"""The account page: name, password, tokens."""

import re

import pytest

from accounts.models import ApiToken, AuditEntry
from accounts.services.tokens import make_token, user_of_token

PASSWORD = "correct horse battery"


@pytest.fixture
def page(confirmed):
    return confirmed


def test_the_name_is_changed(page, owner):
    assert page.post("/account/name", {"display_name": "Ada <b>"}).status_code == 302
    owner.refresh_from_db()
    assert owner.name == "Ada <b>"
    assert "Ada <b>" not in page.get("/account").content.decode()


def test_a_name_too_long_is_said(page, owner):
    response = page.post("/account/name", {"display_name": "a" * 151})
    assert response.status_code == 422
    assert "at most 150" in response.content.decode()


def test_a_token_is_shown_once(page, owner):
    response = page.post("/account/tokens", {"name": "laptop", "days": "90"})
    raw = re.search(r"cis_[\w-]{43}", response.content.decode())[0]
    assert user_of_token(raw) == owner
    assert "no-store" in response["Cache-Control"]
    again = page.get("/account").content.decode()
    assert raw not in again
    assert raw[:12] in again
    assert "laptop" in again


@pytest.mark.parametrize(("days", "ends"), [("0", False), ("30", True)])
def test_a_token_ends_when_it_was_asked_to(page, owner, days, ends):
    page.post("/account/tokens", {"name": "laptop", "days": days})
    assert (ApiToken.objects.get().expires_at is not None) == ends


@pytest.mark.parametrize("fields", [{}, {"name": "x"}, {"name": "", "days": "30"}, {"name": "x", "days": "-1"}])
def test_a_token_without_name_or_time_is_not_made(page, fields):
    assert page.post("/account/tokens", fields).status_code == 422
    assert not ApiToken.objects.exists()


def test_a_token_is_revoked(page, owner):
    token, raw = make_token(owner, "laptop")
    assert page.post(f"/account/tokens/{token.pk}/revoke").status_code == 302
    assert user_of_token(raw) is None


def test_another_persons_token_is_not_there(page, stranger):
    token, raw = make_token(stranger, "theirs")
    assert page.post(f"/account/tokens/{token.pk}/revoke").status_code == 404
    assert user_of_token(raw) == stranger
    assert "theirs" not in page.get("/account").content.decode()


def test_the_password_is_changed_and_other_sessions_end(page, owner):
    other = type(page)()
    other.force_login(owner)
    response = page.post("/account/password", {"old": PASSWORD, "new": "another staple entirely"})
    assert response.status_code == 302
    assert page.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    owner.refresh_from_db()
    assert owner.check_password("another staple entirely")
    assert AuditEntry.objects.filter(action="password.changed", user=owner).count() == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("wrong", "another staple entirely", "not your password"),
        (PASSWORD, "short", "too short"),
        (PASSWORD, "password123", "too common"),
        (PASSWORD, "owner@example.com", "too similar"),
        (PASSWORD, "", "required"),
    ],
)
def test_a_poor_password_is_refused_with_its_reason(page, owner, old, new, said):
    response = page.post("/account/password", {"old": old, "new": new})
    assert response.status_code == 422
    assert said in response.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_no_two_fields_share_an_id(page):
    ids = re.findall(r'\bid="([^"]+)"', page.get("/account").content.decode())
    assert len(ids) == len(set(ids))

"""The second factor: switched on with a code, asked for at each log-in, and what helps where the phone is lost."""

from __future__ import annotations

import base64
import re
import time

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from accounts.models import AuditEntry
from accounts.services.two_factors import has_two_factors
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
ON = "/account/factors/on"


def code_of(secret: str, *, steps: int = 0) -> str:
    """What an authenticator app shows now, or some half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def switch_on(client: Client) -> tuple[str, list[str]]:
    """Scan, type the code; the secret and the recovery codes."""
    secret = client.get(ON).context["form"].secret
    answer = client.post(ON, {"code": code_of(secret)})
    assert (answer.status_code, answer.url) == (302, "/account/codes")
    shown = client.get("/account/codes").content.decode()
    return secret, re.findall(r"^(?:<pre[^>]*>|.*data-copy>)?(\d{8})$", shown, re.MULTILINE)


@pytest.fixture
def factor(confirmed):
    """The owner's secret and recovery codes."""
    return switch_on(confirmed)


def test_it_is_switched_on_with_a_code(confirmed, owner, letters, django_capture_on_commit_callbacks):
    page = confirmed.get(ON)
    assert "no-store" in page.headers["Cache-Control"]
    (picture,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page.content.decode())
    assert b"<svg" in base64.b64decode(picture)
    with django_capture_on_commit_callbacks(execute=True):
        secret, codes = switch_on(confirmed)
    assert has_two_factors(owner)
    assert len(set(codes)) == 10
    assert [letter.subject for letter in letters()] == ["Two-factor authentication is on · ciservice"]
    assert "factor.added" in set(AuditEntry.objects.filter(user=owner).values_list("action", flat=True))
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert not any(code in stored for code in codes)


def test_a_wrong_code_switches_nothing_on(confirmed, owner):
    confirmed.get(ON)
    answer = confirmed.post(ON, {"code": "000000"})
    assert "This code is not right" in answer.content.decode()
    assert not has_two_factors(owner)


@pytest.mark.parametrize("path", [ON, "/account/factors/off", "/account/codes", "/account/codes/new"])
def test_who_is_logged_in_is_asked_again_before_it_is_changed(confirmed, owner, factor, path):
    later = Client()
    later.force_login(owner)
    for answer in (later.get(path), later.post(path)):
        assert answer.status_code in {302, 405}
        if answer.status_code == 302:
            assert answer.url.startswith(("/account/confirm?next=", "/account/factors/off"))
    assert has_two_factors(owner)


def test_a_log_in_asks_for_a_code(factor, log_in, client):
    secret, _ = factor
    browser = Client()
    answer = browser.post("/login", {"username": "owner@example.com", "password": PASSWORD, "next": "/account"})
    assert answer.url == "/login/code"
    assert browser.get("/account").status_code == 302
    assert "This code is not right" in browser.post("/login/code", {"code": "000000"}).content.decode()
    assert browser.get("/account").status_code == 302
    assert browser.post("/login/code", {"code": code_of(secret, steps=1)}).url == "/account"
    assert browser.get("/account").status_code == 200


def test_without_the_password_a_code_is_worth_nothing(factor):
    secret, _ = factor
    assert Client().post("/login/code", {"code": code_of(secret)}).url == "/login"


def entering() -> Client:
    browser = Client()
    browser.post("/login", {"username": "owner@example.com", "password": PASSWORD})
    return browser


def test_a_code_is_good_once(factor):
    secret, _ = factor
    code = code_of(secret, steps=1)
    assert entering().post("/login/code", {"code": code}).status_code == 302
    assert "used before" in entering().post("/login/code", {"code": code}).content.decode()


def test_a_code_of_a_while_ago_is_worth_nothing(factor):
    secret, _ = factor
    assert entering().post("/login/code", {"code": code_of(secret, steps=-3)}).status_code == 200


def test_a_recovery_code_lets_in_once(factor):
    _, codes = factor
    assert entering().post("/login/code", {"code": codes[0]}).url == "/"
    assert entering().post("/login/code", {"code": codes[0]}).status_code == 200
    assert entering().post("/login/code", {"code": codes[1]}).url == "/"


def test_codes_are_not_guessed(factor):
    secret, _ = factor
    for _ in range(5):
        entering().post("/login/code", {"code": "000000"})
    browser = entering()
    said = browser.post("/login/code", {"code": code_of(secret, steps=1)}).content.decode()
    assert "Too many attempts" in said
    with time_machine.travel(time.time() + 301, tick=True):
        browser = entering()
        assert browser.post("/login/code", {"code": code_of(secret)}).status_code == 302


def test_recovery_codes_are_shown_once(confirmed, factor):
    _, codes = factor
    again = confirmed.get("/account/codes").content.decode()
    assert "10 of 10 codes are unused" in again
    assert not any(code in again for code in codes)
    assert "10 recovery codes left" in confirmed.get("/account").content.decode()


def test_new_recovery_codes_take_the_place_of_the_old(confirmed, factor, letters, django_capture_on_commit_callbacks):
    _, codes = factor
    letters()
    with django_capture_on_commit_callbacks(execute=True):
        assert confirmed.post("/account/codes/new").url == "/account/codes"
    assert [letter.subject for letter in letters()] == ["New recovery codes · ciservice"]
    assert entering().post("/login/code", {"code": codes[0]}).status_code == 200
    fresh = re.findall(r"\b\d{8}\b", confirmed.get("/account/codes").content.decode())
    assert entering().post("/login/code", {"code": fresh[0]}).status_code == 302


def test_it_is_switched_off_again(confirmed, owner, factor, letters):
    letters()
    assert confirmed.post("/account/factors/off").url == "/account"
    assert not Authenticator.objects.filter(user=owner).exists()
    assert [letter.subject for letter in letters()] == ["Two-factor authentication is off · ciservice"]
    assert entering().get("/account").status_code == 200


def test_a_code_is_another_way_to_say_that_it_is_you(owner, factor):
    secret, _ = factor
    browser = Client()
    browser.force_login(owner)
    assert browser.post("/account/confirm/code?next=/account", {"code": code_of(secret, steps=1)}).url == "/account"
    assert browser.get("/account/codes/new").status_code == 200


def test_the_api_gives_no_token_for_a_password_alone(owner, factor):
    basic = base64.b64encode(f"{owner.email}:{PASSWORD}".encode()).decode()
    answer = Client().post("/v2/auth", headers={"Authorization": f"Basic {basic}"})
    assert answer.status_code == 403
    said = "Your account has two-factor authentication enabled, which is not possible to support with the API."
    assert answer.json() == {"errors": [said]}

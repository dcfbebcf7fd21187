"""Sessions: listed with device, address and when they were last seen, and ended."""

from __future__ import annotations

import time
from importlib import import_module

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.test import Client

from accounts.models import AuditEntry
from accounts.services.sessions import device_of
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
know_sessions = import_module("accounts.migrations.0006_known_sessions").know_sessions
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"


def logged_in(agent: str, address: str) -> Client:
    browser = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    assert browser.post("/login", {"username": "owner@example.com", "password": PASSWORD}).status_code == 302
    return browser


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (IPHONE, "Safari on iPhone"),
        ("curl/8.5", "curl"),
        ("", "A program"),
        ("<script>", "A program"),
    ],
)
def test_a_device_is_told_in_words(agent, device):
    assert device_of(agent) == device


def test_sessions_are_listed(owner):
    here = logged_in(FIREFOX, "192.0.2.7")
    logged_in(CHROME, "2001:db8::1")
    page = here.get("/account").content.decode()
    assert "Firefox on Linux <b>(this one)</b>" in page
    assert "Chrome on Windows</td>" in page
    assert "192.0.2.7" in page
    assert "2001:db8::1" in page


def test_one_is_ended(owner):
    here, there = logged_in(FIREFOX, "192.0.2.7"), logged_in(CHROME, "192.0.2.8")
    session = UserSession.objects.get(ip="192.0.2.8")
    assert here.post(f"/account/sessions/{session.pk}/end").url == "/account"
    assert there.get("/account").status_code == 302
    assert "192.0.2.8" not in here.get("/account").content.decode()
    assert AuditEntry.objects.filter(action="sessions.ended", user=owner).exists()


def test_all_others_are_ended(owner):
    here, *others = (logged_in(FIREFOX, f"192.0.2.{number}") for number in range(3))
    here.post("/account/sessions/end")
    assert here.get("/account").status_code == 200
    assert [other.get("/account").status_code for other in others] == [302, 302]
    assert UserSession.objects.count() == 1


def test_another_persons_session_is_not_there(client, owner, stranger):
    there = logged_in(FIREFOX, "192.0.2.7")
    client.force_login(stranger)
    assert client.post(f"/account/sessions/{UserSession.objects.get(user=owner).pk}/end").status_code == 404
    assert there.get("/account").status_code == 200


def test_a_new_password_ends_the_others(owner):
    here, there = logged_in(FIREFOX, "192.0.2.7"), logged_in(CHROME, "192.0.2.8")
    here.post("/account/password", {"old": PASSWORD, "new": "another staple entirely"})
    assert (here.get("/account").status_code, there.get("/account").status_code) == (200, 302)
    assert UserSession.objects.get().session_key == here.session.session_key


def test_one_that_logged_out_is_not_listed(owner):
    here, there = logged_in(FIREFOX, "192.0.2.7"), logged_in(CHROME, "192.0.2.8")
    there.post("/logout")
    assert "192.0.2.8" not in here.get("/account").content.decode()


def test_when_it_was_seen_is_noted_now_and_then(owner, django_assert_num_queries):
    here = logged_in(FIREFOX, "192.0.2.7")
    here.get("/account/addresses")
    seen = UserSession.objects.get().last_seen_at
    with django_assert_num_queries(2):  # the session and the person
        assert here.get("/account/factors").status_code == 302
    assert UserSession.objects.get().last_seen_at == seen
    with time_machine.travel(time.time() + 601, tick=True):
        here.get("/account/factors")
    assert UserSession.objects.get().last_seen_at > seen


def test_sessions_of_the_release_before_are_listed_and_ended(client, owner):
    client.force_login(owner)
    Client().get("/login")  # a session of nobody
    for _ in range(2):
        know_sessions(apps, None)
        assert UserSession.objects.get().user == owner
    here = logged_in(FIREFOX, "192.0.2.7")
    assert "A program</td>" in here.get("/account").content.decode()
    here.post("/account/sessions/end")
    assert client.get("/account").status_code == 302

"""Counting: no more than allowed, whoever asks, and anew when the window is over."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.db import connection, connections

from accounts.models import Limit
from accounts.services.check_password import CLOSED, TooManyAttemptsError, check_password
from accounts.services.limits import give_back, sweep, take
from builds.logs import live

pytestmark = pytest.mark.django_db


def test_no_more_than_allowed():
    assert [take("hook 7", 3, 60) for _ in range(5)] == [True, True, True, False, False]
    assert take("hook 8", 3, 60), "another key has its own"


def test_a_window_begins_with_the_first_and_ends():
    with time_machine.travel(time.time(), tick=False) as clock:
        assert take("a", 1, 60)
        clock.shift(59)
        assert not take("a", 1, 60)
        clock.shift(1)
        assert take("a", 1, 60), "who was refused does not wait longer"


def test_what_is_given_back_can_be_taken():
    assert take("a", 1, 60)
    give_back("a")
    give_back("a")
    assert [take("a", 1, 60), take("a", 1, 60)] == [True, False]


def test_windows_that_ended_are_forgotten():
    take("old", 1, 60)
    with time_machine.travel(time.time() + 61, tick=True):
        take("new", 1, 60)
        assert sweep() == 1
    assert Limit.objects.count() == 1


@pytest.mark.parametrize("key", ["", "ü" * 1000, "a\0b", "\ud800"])
def test_any_text_is_a_key(key):
    assert [take(key, 1, 60), take(key, 1, 60)] == [True, False]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_no_more():
    def ask(_: int) -> bool:
        try:
            return take("together", 10, 60)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, range(40))) == 10


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such tables")
def test_counting_waits_for_no_disk():
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'accounts_limit'")
        assert cursor.fetchone() == ("u",)


def test_one_address_that_tries_many_accounts_is_stopped(owner):
    for number in range(100):
        check_password(f"{number}@example.com", "wrong", address="192.0.2.7")
    with pytest.raises(TooManyAttemptsError):
        check_password(owner.email, "correct horse battery", address="192.0.2.7")
    assert check_password(owner.email, "correct horse battery", address="192.0.2.8") == owner


def test_one_account_that_many_addresses_try_is_closed(owner):
    for number in range(100):
        check_password(owner.email, "wrong", address=f"192.0.2.{number}")
    with pytest.raises(TooManyAttemptsError):
        check_password(owner.email, "correct horse battery", address="198.51.100.1")


def test_who_knows_the_password_may_come_as_often_as_they_like(owner):
    for _ in range(30):
        assert check_password(owner.email, "correct horse battery", address="192.0.2.7") == owner


def test_the_log_in_and_its_limits_need_no_redis(owner, client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    live.disconnect()
    try:
        for _ in range(10):
            client.post("/login", {"username": owner.email, "password": "wrong"})
        closed = client.post("/login", {"username": owner.email, "password": "correct horse battery"})
        assert CLOSED in closed.content.decode()
        other = client.post("/login", {"username": owner.email, "password": "correct horse battery"}, REMOTE_ADDR="::1")
        assert other.status_code == 302
    finally:
        live.disconnect()

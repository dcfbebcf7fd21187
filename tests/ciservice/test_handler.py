"""The web process: its database connections stay few, however many requests come, and streams hold none."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import connection

from ciservice.handler import THREADS
from tests.browser.conftest import serve
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ELSEWHERE = 6  # threads that read logs, and the process' start


@pytest.fixture(scope="module")
def web(django_db_setup, django_db_blocker):
    """The address of a real web process on the tests' database."""
    with serve(django_db_blocker, []) as url:
        yield url


def status(url: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": "Bearer cis_unknown"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


def connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


@pytest.mark.skipif("sqlite" in settings.DATABASES["default"]["ENGINE"], reason="SQLite has no connections to count")
@pytest.mark.parametrize("path", ["/v2/organizations", "/readyz"])
def test_many_requests_take_few_connections(web, path):
    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(status, [f"{web}{path}"] * 120))
    assert answers <= {200, 401}, answers
    assert connections() <= THREADS + ELSEWHERE


@pytest.mark.skipif("sqlite" in settings.DATABASES["default"]["ENGINE"], reason="SQLite has no connections to lose")
def test_connections_that_died_are_replaced(web):
    addresses = [f"{web}/v2/organizations"] * 20
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(status, addresses))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        wait_until(lambda: set(pool.map(status, addresses)) == {401}, seconds=20, what="answers to all requests")


def test_a_file_comes_whole(web):
    with urllib.request.urlopen(f"{web}/static/ciservice/app.css", timeout=30) as answer:
        assert answer.read() == Path(str(finders.find("ciservice/app.css"))).read_bytes()


def test_an_address_that_is_nowhere_is_not_found(web):
    assert status(f"{web}/v2/nowhere") == 404


def test_a_stream_that_nobody_may_see_is_refused(web):
    uuid = "00000000-0000-0000-0000-000000000000"
    assert status(f"{web}/v2/organizations/{uuid}/projects/{uuid}/builds/{uuid}/events") == 401


def test_the_application_starts_by_itself():
    done = subprocess.run(
        [sys.executable, "-c", "from ciservice.asgi import application; print(type(application).__name__)"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "BodyLimit", done.stderr

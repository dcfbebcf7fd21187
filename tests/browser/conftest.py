"""The whole web process in front of the tests' database, and a Chromium to look at it with."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from builds.logs import live
from tests import servers
from tests.faults.harness import database_url
from tests.live.instance import free_port
from tests.servers import wait_until

CHROMIUM = servers.chromium()


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium: apt-get install chromium"))


@pytest.fixture(scope="package")
def quiet():
    """What to begin a command with, so that it has a loopback to itself.

    Other tests' containers come and go, and Chromium drops every request when an address of its network changes.
    """
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("nsenter") and shutil.which("ip")):
        yield []
        return
    command = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as keeper:
        try:
            assert keeper.stdout.readline() == b"up\n"
            yield ["nsenter", f"--net=/proc/{keeper.pid}/ns/net", "--"]
        finally:
            keeper.kill()


@pytest.fixture(scope="package")
def web(django_db_setup, django_db_blocker, quiet):
    """The address of a real web process, for who has the same loopback."""
    with serve(django_db_blocker, quiet) as url:
        yield url


@contextmanager
def serve(django_db_blocker, before: list[str]) -> Iterator[str]:
    """gunicorn's ASGI worker, so that streams are streams; its command begins with `before`."""
    port = free_port()
    with django_db_blocker.unblock():
        environment = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "ciservice.settings"}
    environment["PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    command = [*before, sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-k", "asgi", "-w", "1"]
    command += [
        "--graceful-timeout",
        "1",
        "--no-control-socket",
        "--log-level",
        "warning",
        "ciservice.asgi:application",
    ]
    process = subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR)
    try:
        wait_until(lambda: _answers(before, port, process), seconds=60, what="the web process")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _from_disk(route: Route) -> None:
    """Static files without the network: a page asks for a dozen of them at once."""
    path = finders.find(urlsplit(route.request.url).path.removeprefix("/static/"))
    assert path, route.request.url
    route.fulfill(path=path)


_ASK = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)"


def _answers(before: list[str], port: int, process: subprocess.Popen) -> bool:
    assert process.poll() is None, "the web process ended"
    command = [*before, sys.executable, "-c", _ASK, f"http://127.0.0.1:{port}/login"]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


@pytest.fixture(scope="package")
def chromium(quiet, tmp_path_factory):
    """A browser without a window."""
    program = tmp_path_factory.mktemp("chromium") / "chromium"
    program.write_text(f'#!/bin/sh\nexec {shlex.join([*quiet, CHROMIUM])} "$@"\n')
    program.chmod(0o700)
    # Playwright keeps an event loop in this thread; the tests' queries are synchronous all the same.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Visitor:
    """A person at a browser; what the browser complains of is kept."""

    chromium: Browser
    web: str
    complaints: list[str]
    contexts: list[BrowserContext]

    def page(self, user: object = None, **options: object) -> Page:
        """A new page, logged in as `user`; options as of a browser context."""
        options.setdefault("viewport", {"width": 1440, "height": 900})
        context = self.chromium.new_context(base_url=self.web, **options)
        context.set_default_timeout(20_000)
        context.route("**/static/**", _from_disk)
        self.contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.web}])
        page = context.new_page()
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)


@pytest.fixture
def visitor(transactional_db, web, chromium):
    """Opens pages; the test fails where the browser reported an error, a breach of the content policy say."""
    its = Visitor(chromium, web, [], [])
    yield its
    for context in its.contexts:
        context.close()
    live.disconnect()
    assert its.complaints == []

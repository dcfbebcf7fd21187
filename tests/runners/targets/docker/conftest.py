"""A Docker host with an app of its own for each test, and a proxy before it."""

from __future__ import annotations

import contextlib

import pytest

from tests.docker_images import docker_engine, docker_image  # noqa: F401 - fixtures
from tests.haproxy import Proxy
from tests.runners.targets.docker.app import App


@pytest.fixture
def app(docker_engine, docker_image):  # noqa: F811
    it = App(docker_engine, docker_image)
    yield it
    it.remove()


@pytest.fixture
def make_proxy(tmp_path, app):
    """Starts an HAProxy and puts it before the app."""
    with contextlib.ExitStack() as stack:

        def make(**fields) -> Proxy:
            given = {name: fields.pop(name) for name in ("backend", "more") if name in fields}
            proxy = Proxy(tmp_path, **given).start()
            stack.callback(proxy.stop)
            app.settings["proxy"] = {"haproxy": {"socket": proxy.api, "backend": proxy.backend, **fields}}
            return proxy

        yield make

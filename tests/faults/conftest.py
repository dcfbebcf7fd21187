"""A house of real processes for each test, and a look at the rows when it is empty again."""

from __future__ import annotations

import secrets

import pytest

from builds.invariants import check_invariants
from builds.logs import live
from builds.models import Secret
from tests.docker_images import docker_engine, docker_image
from tests.faults.canary import search
from tests.faults.engines import OwnInstance
from tests.faults.harness import House
from tests.faults.origin import repository
from tests.faults.reader import Reader
from tests.live.instance import free_port

__all__ = ["docker_engine", "docker_image"]


@pytest.fixture
def canary(transactional_db, project) -> str:
    """A secret of the project's, which its builds know and nobody else may."""
    secret = secrets.token_urlsafe(24)
    Secret.objects.create(project=project, name="CANARY", value=secret)
    return secret


@pytest.fixture
def house(canary, tmp_path):
    """Processes that are gone when the test is; what they said is shown when it fails."""
    house = House(tmp_path)
    yield house
    house.end_processes()
    told = search(canary, [tmp_path], house.redis.url)
    house.close()
    live.disconnect()
    print(house.logs())
    assert check_invariants() == []
    assert told == [], "a secret is where it must not be"


@pytest.fixture
def instance(house, docker_engine, docker_image):
    """The house's processes use the machine's engine; nothing of theirs is left there."""
    instance = OwnInstance(docker_engine, docker_image)
    house.settings |= instance.settings
    yield instance
    house.end_processes()
    instance.remove()


@pytest.fixture
def push(project, make_build, tmp_path):
    """Makes a build of a real commit, which a checkout can be made of."""
    project.repository_url = str(tmp_path / "origin")
    commit = repository(tmp_path / "origin")
    project.save()
    return lambda: make_build(commit=commit)


@pytest.fixture
def reader(house, owner) -> Reader:
    """Reads over HTTP, from a web server of the house."""
    port = free_port()
    house.web(port)
    return Reader(port, owner)

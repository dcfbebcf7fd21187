"""A house of real processes for each test, and a look at the rows when it is empty again."""

from __future__ import annotations

import pytest

from builds.invariants import check_invariants
from builds.logs import live
from tests.docker_images import docker_engine, docker_image
from tests.faults.engines import OwnInstance
from tests.faults.harness import House
from tests.faults.origin import repository
from tests.faults.reader import Reader
from tests.live.instance import free_port

__all__ = ["docker_engine", "docker_image"]


@pytest.fixture
def house(transactional_db, tmp_path, request):
    """Processes that are gone when the test is; what they said is shown when it fails."""
    house = House(tmp_path)
    yield house
    house.close()
    live.disconnect()
    print(house.logs())
    assert check_invariants() == []


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

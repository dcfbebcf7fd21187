"""A Compose project of its own for each test, on the engine that the tests use."""

from __future__ import annotations

import secrets
import shutil
from collections import Counter
from pathlib import Path

import pytest

from runners.targets.compose import target
from runners.targets.compose.settings import Settings
from runners.targets.contract import Delivery
from runners.walls import walls_stand
from tests.docker_images import docker_engine, docker_image  # noqa: F401 - fixtures
from tests.runners.targets.releases import Log, lay, release

SOCKET = "/var/run/docker.sock"
SERVICES = """
version: "3.8"
x-all: &all
  image: {image}
  stop_grace_period: 1s
services:
  web:
    <<: *all
    command: [sh, -c, "trap 'exit 0' TERM; sleep 600 & wait"]
    environment: {{RELEASE: "${{CI_RELEASE}}"}}
    healthcheck: {{test: ["CMD", "true"], interval: 1s}}
  database:
    <<: *all
    command: [sh, -c, "trap 'exit 0' TERM; sleep 600 & wait"]
    volumes: ["data:/data"]
volumes: {{data: {{}}}}
"""


class Project:
    """A checkout with a Compose file, and what the engine has of it; a `Place` of the contract's tests."""

    target = target

    def __init__(self, client, image: str, folder: Path) -> None:
        self.client, self.folder, self.image = client, folder, image
        self.name = f"shop{secrets.token_hex(4)}"
        self.log = Log()
        self.settings = self.made()
        unlike = "ssh://deploy@127.0.0.1:9"
        self.wrong = self.made(host=unlike, host_key="ssh-ed25519 AAAA")
        self.away = self.made(host="unix:///nowhere/docker.sock")
        self.write(SERVICES.format(image=image))

    def made(self, **fields) -> Settings:
        known = {"host": f"unix://{SOCKET}", "project": self.name, "steady": "1s", "within": "60s"}
        return Settings.model_validate({**known, **fields})

    def write(self, text: str, file: str = "docker-compose.yml") -> None:
        lay(self.folder, {file: text})

    def release(self, number: int, **fields) -> Delivery:
        return release(
            self.folder, number, **{"allowed_hosts": (SOCKET, "/nowhere/docker.sock", "127.0.0.1"), **fields}
        )

    def deliver(self, number: int, *, settings: Settings | None = None, **fields) -> None:
        target.deliver(settings or self.settings, self.release(number, **fields), self.log)

    @property
    def running(self) -> frozenset[str]:
        return target.running(self.settings, self.release(1), Log())

    def containers(self, service: str = "") -> list:
        labels = [f"com.docker.compose.project={self.name}"]
        if service:
            labels.append(f"com.docker.compose.service={service}")
        return self.client.containers.list(all=True, filters={"label": labels}, ignore_removed=True)

    def serving(self) -> dict[str, float]:
        found = Counter(
            line.partition("=")[2]
            for container in self.containers("web")
            for line in container.attrs["Config"]["Env"]
            if line.startswith("RELEASE=") and container.status == "running"
        )
        return {name: count / found.total() for name, count in found.items()}

    def work(self) -> set[str]:
        return {container.id for container in self.containers()}

    def remove(self) -> None:
        for container in self.containers():
            container.remove(force=True, v=True)
        filters = {"label": f"com.docker.compose.project={self.name}"}
        for network in self.client.networks.list(filters=filters):
            network.remove()
        for volume in self.client.volumes.list(filters=filters):
            volume.remove(force=True)


@pytest.fixture
def place(docker_engine, docker_image, tmp_path):  # noqa: F811
    if shutil.which("docker-compose") is None or not walls_stand():
        pytest.skip("docker-compose or bubblewrap is not installed, or makes no namespaces here")
    it = Project(docker_engine, docker_image, tmp_path / "checkout")
    yield it
    it.remove()

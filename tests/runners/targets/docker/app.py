"""An app of one small web server, and what a Docker host has of it."""

from __future__ import annotations

import secrets
from dataclasses import replace

import docker

from runners.targets.contract import Delivery
from runners.targets.docker.settings import Settings
from runners.targets.docker.target import deliver, running

SOCKET = "/var/run/docker.sock"
# Says which release it is; `BAD` answers 500, and what is asked for by /slow takes as long as it says.
SERVE = """
mkdir -p /srv/cgi-bin && echo "$CI_RELEASE" > /srv/index.html
printf '#!/bin/sh\\nsleep 2\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\n%%s" "$CI_RELEASE"\\n' > /srv/cgi-bin/slow
chmod +x /srv/cgi-bin/slow
trap 'exit 0' TERM
httpd -f -p 8080 -h /srv & wait
"""
BAD = """
mkdir -p /srv/cgi-bin
printf '#!/bin/sh\\nprintf "Status: 500 Broken\\\\r\\\\nContent-Type: text/plain\\\\r\\\\n\\\\r\\\\nbroken"\\n' > /srv/cgi-bin/index.cgi
chmod +x /srv/cgi-bin/index.cgi
trap 'exit 0' TERM
httpd -f -p 8080 -h /srv & wait
"""


class App:
    """One app in one environment: `deliver` a release, `running`, and what the host has of it."""

    def __init__(self, client: docker.DockerClient, image: str) -> None:
        self.client = client
        self.told: list[str] = []
        self.name = f"shop-{secrets.token_hex(4)}"
        self.settings = {
            "host": f"unix://{SOCKET}",
            "image": image,
            "name": self.name,
            "replicas": 2,
            "port": 8080,
            "command": ["sh", "-c", SERVE],
            "health": {"http": "/", "every": "1s", "within": "30s"},
            "stop": "3s",
        }
        self.delivery = Delivery(
            folder="/nowhere",
            environment="production",
            project=secrets.token_hex(8),
            release="1",
            commit="a" * 40,
            allowed_hosts=(SOCKET, "127.0.0.1"),
        )

    def deliver(self, release: int | str, percent: float = 100, *, previous="", is_rollback=False, **settings) -> None:
        delivery = self.of(release, percent=percent, previous=str(previous), is_rollback=is_rollback)
        deliver(self.made(**settings), delivery, self.told.append)

    def of(self, release: int | str, **fields) -> Delivery:
        return replace(self.delivery, release=str(release), **fields)

    def made(self, **settings) -> Settings:
        return Settings.model_validate({**self.settings, **settings})

    @property
    def running(self) -> set[str]:
        return set(running(self.made(), self.delivery, self.told.append))

    @property
    def said(self) -> str:
        return "\n".join(self.told)

    def containers(self, release: int | str | None = None, *, status: str = "") -> list:
        labels = [f"ciservice.target={self.delivery.project}/{self.delivery.environment}/{self.name}"]
        if release is not None:
            labels.append(f"ciservice.target.release={release}")
        filters = {"label": labels, **({"status": status} if status else {})}
        return self.client.containers.list(all=True, filters=filters, ignore_removed=True)

    def remove(self) -> None:
        for container in self.containers():
            container.remove(force=True, v=True)
        for network in self.client.networks.list(names=[self.name]):
            network.remove()
        for volume in self.client.volumes.list(filters={"name": self.name}):
            volume.remove(force=True)

"""Docker for a house: the machine's engine under an instance of the test's own, or an engine that may be restarted."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import docker
from docker.errors import APIError, NotFound

from tests import servers
from tests.runners.docker.engine_objects import EngineObjects

START_SECONDS = 60


class OwnInstance:
    """A secret of its own, so that its objects are told from those of every other test and service."""

    def __init__(self, client: docker.DockerClient, image: str, url: str = "") -> None:
        self._client = client
        secret = secrets.token_urlsafe(48)
        self.name = hashlib.sha256(b"instance:" + secret.encode()).hexdigest()[:12]
        self.objects = EngineObjects(client, self.name)
        self.settings = {
            "EXECUTOR": "docker",
            **({"DOCKER_HOST": url} if url else {}),
            "DEFAULT_IMAGE": image,
            "SECRET_KEY": secret,
            "LEASE_SECONDS": "4",
            "STEP_MEMORY_MB": "128",
        }

    def remove(self) -> None:
        """Everything that carries its label; what prepares or sweeps for it must have ended."""
        chosen = {"label": f"ciservice.instance={self.name}"}
        for container in self._client.containers.list(all=True, filters=chosen, ignore_removed=True):
            remove(container, force=True)
        for network in self._client.networks.list(filters=chosen):
            remove(network)
        for volume in self._client.volumes.list(filters=chosen):
            remove(volume, force=True)
        for image in self._client.images.list(all=True, filters=chosen):
            self._client.images.remove(image.id, force=True)
        assert self.objects.all() == []


def remove(thing, **how: bool) -> None:
    """Remove it, whoever else does so, too."""
    try:
        thing.remove(**how)
    except NotFound:
        pass
    except APIError as error:
        if error.status_code != 409:
            raise


class OwnEngine:
    """A dockerd beside the machine's: other socket and folders, in a network namespace of its own.

    In the machine's, a dockerd without a default bridge takes the bridge of the other one away.
    """

    def __init__(self) -> None:
        # The name becomes a namespace of containerd: no underscore at an end, as mkdtemp would give sometimes.
        self._folder = Path("/tmp") / f"ci-dockerd-{secrets.token_hex(4)}"
        self._folder.mkdir(mode=0o700)
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._folder}/s"

    def start(self) -> None:
        """Up, and it answers."""
        folders = [f"--{name}={self._folder}/{name}" for name in ("data-root", "exec-root", "pidfile")]
        mark = self._folder.name
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(
                        "unshare",
                        "--net",
                        "--",
                        "dockerd",
                        "-H",
                        self.url,
                        *folders,
                        "--bridge=none",
                        "--iptables=false",
                        "--ip6tables=false",
                    ),
                    *("--storage-driver=vfs", "--shutdown-timeout=2", "--default-address-pool"),
                    *("base=10.213.0.0/16,size=24", f"--containerd-namespace={mark}"),
                    f"--containerd-plugins-namespace={mark}-plugins",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        servers.wait_until(self._answers, seconds=START_SECONDS, what=f"dockerd:\n{self.said()}")

    def stop(self) -> None:
        """As systemctl does: the engine ends its containers, and then itself."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(START_SECONDS)
            self._process = None

    def _empty(self) -> None:
        client = self.client()
        for container in client.containers.list(all=True, ignore_removed=True):
            remove(container, force=True)
        for network in client.networks.list(filters={"type": "custom"}):
            remove(network)
        client.close()

    def client(self) -> docker.DockerClient:
        return docker.DockerClient(base_url=self.url, version="auto", timeout=20)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"dockerd ended:\n{self.said()}"
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.url.removeprefix("unix://")) == 0

    def said(self) -> str:
        """The end of its log."""
        log = self._folder / "log"
        return log.read_text(errors="replace")[-4000:] if log.exists() else ""

    def remove(self) -> None:
        """Ended, with its containers and the bridges it made on this machine, and gone from the disk."""
        try:
            if self._process is None:
                self.start()
            self._empty()
            self.stop()
        finally:
            subprocess.run(["sh", "-c", f"umount -R {self._folder}/* 2>/dev/null"], check=False)
            shutil.rmtree(self._folder, ignore_errors=True)

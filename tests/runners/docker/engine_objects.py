"""What a Docker engine holds of one instance of ours, for tests that look behind the curtain."""

from __future__ import annotations

import contextlib

import docker
from docker.errors import APIError, ImageNotFound


class EngineObjects:
    """Containers, networks and volumes by the labels of an instance, or of a job."""

    def __init__(self, client: docker.DockerClient, instance: str) -> None:
        self._client = client
        self._instance = instance

    def of_job(self, job) -> list[str]:
        """Names of everything that belongs to it."""
        return self.of(job.job_id)

    def of(self, job_id: object) -> list[str]:
        """The same, by the id of the job."""
        return self._named(f"ciservice.job={job_id}")

    def all(self) -> list[str]:
        return self._named(f"ciservice.instance={self._instance}")

    def containers(self) -> list[docker.models.containers.Container]:
        """The running ones of this instance."""
        chosen = {"label": f"ciservice.instance={self._instance}"}
        return self._client.containers.list(filters=chosen, ignore_removed=True)

    def container_of(self, job) -> dict:
        """What `inspect` says of the job's newest running container."""
        (newest, *_) = self._client.containers.list(filters={"label": f"ciservice.job={job.job_id}"})
        return newest.attrs

    def images(self) -> list[str]:
        """Ids of what this instance built."""
        chosen = {"label": f"ciservice.instance={self._instance}"}
        return [one.id for one in self._client.images.list(all=True, filters=chosen)]

    def remove_images(self) -> None:
        """All of them, with their names; those that others start from after these."""
        while found := self.images():
            for image in found:
                with contextlib.suppress(ImageNotFound, APIError):
                    self._client.images.remove(image, force=True)
            if self.images() == found:
                return

    def _named(self, label: str) -> list[str]:
        chosen = {"label": label}
        return [
            *(one.name for one in self._client.containers.list(all=True, filters=chosen, ignore_removed=True)),
            *(one.name for one in self._client.networks.list(filters=chosen)),
            *(one.name for one in self._client.volumes.list(filters=chosen)),
        ]

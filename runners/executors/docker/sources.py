"""The containers whose volumes others mount with `volumes_from`: created once for a job, never started."""

from __future__ import annotations

import threading

from runners.contract import ServiceSpec, Stop
from runners.errors import SpecError
from runners.executors.docker.engine import Refused
from runners.executors.docker.graph import service_named
from runners.executors.docker.hardening import host_config
from runners.executors.docker.job import Job, service_config
from runners.executors.docker.output import StepOutput
from runners.executors.docker.verdict import refused_to_start


class Sources:
    """Shared by all steps of a job, so that what one writes there the next one reads."""

    def __init__(self, job: Job, stop: Stop) -> None:
        self._job, self._stop = job, stop
        self._made: dict[str, str] = {}
        self._lock = threading.RLock()

    def of(self, service: ServiceSpec, output: StepOutput) -> list[str]:
        """The containers for the engine's `VolumesFrom`, made where they are not there yet."""
        with self._lock:
            return [self._container(name, output, (service.name,)) for name in service.volumes_from]

    def _container(self, name: str, output: StepOutput, path: tuple[str, ...]) -> str:
        if name in path:
            raise SpecError(f"volumes_from goes round in a circle: {' -> '.join((*path, name))}")
        if name not in self._made:
            service = service_named(self._job.services, name)
            further = [self._container(other, output, (*path, name)) for other in service.volumes_from]
            self._made[name] = self._create(service, further, output)
        return self._made[name]

    def _create(self, service: ServiceSpec, further: list[str], output: StepOutput) -> str:
        config = service_config(service, self._job.image(service, output, self._stop))
        host = host_config(self._job.tools.settings, "none", self._job.mounts(service))
        config |= {
            "HostConfig": host | {"VolumesFrom": further},
            "Labels": self._job.belongings.labels(service=service.name),
            # An image made of data alone has no command, and the engine wants one.
            "Cmd": config.get("Cmd") or ["/bin/true"],
        }
        name = self._job.belongings.container_name(f"{service.name}-volumes")
        try:
            return self._job.tools.engine.create(name, config)
        except Refused as refusal:
            refused_to_start(str(refusal))
            raise SpecError(f"The volumes of service {service.name} cannot be made: {refusal}") from refusal

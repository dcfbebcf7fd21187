"""What the parts that run one job have in common: the job, its checkout, and the engine's things for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runners.contract import HealthCheck, HearSecrets, JobSpec, ServiceSpec, StepSpec, Stop
from runners.environment import step_environment
from runners.executors.config import ExecutorSettings
from runners.executors.docker.admission import Admission
from runners.executors.docker.belongings import Belongings
from runners.executors.docker.builds import Builds
from runners.executors.docker.credentials import Credentials, access_of
from runners.executors.docker.engine import Engine
from runners.executors.docker.events import Events
from runners.executors.docker.hardening import Bind, Volume
from runners.executors.docker.images import Image, Images
from runners.executors.docker.mounts import lent, service_mounts
from runners.executors.docker.output import StepOutput
from runners.executors.docker.private_engine import HOST, PrivateEngine
from runners.executors.docker.rooms import Rooms
from runners.executors.docker.secret_files import FOLDER, put_files
from runners.secret_files import with_paths
from runners.service_variables import service_variables


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What an executor lends to all of its jobs."""

    settings: ExecutorSettings
    instance: str
    engine: Engine
    events: Events
    rooms: Rooms
    images: Images


@dataclass(frozen=True, kw_only=True)
class Job:
    """One attempt at work."""

    spec: JobSpec
    tools: Tools
    belongings: Belongings
    private_engine: PrivateEngine
    builds: Builds
    credentials: Credentials
    checkout: Path  # what steps see
    admission: Admission
    hear_secrets: HearSecrets
    folder: Path  # ours: small files beside the checkout
    services: Mapping[str, ServiceSpec] = field(default_factory=dict)

    def environment(self, service: ServiceSpec | None, step: StepSpec | None) -> dict[str, str]:
        """The variables of a container or a script."""
        files = service_variables(self.spec, service, self.checkout, self.hear_secrets) if service else {}
        found = step_environment(with_paths(self.spec, FOLDER), service, step, files)
        return {"DOCKER_HOST": HOST} | found if service is not None and service.add_docker else found

    def image(self, service: ServiceSpec, output: StepOutput, stop: Stop, step: StepSpec | None = None) -> Image:
        """The service's image, got now where it is not here: with the step's credentials, or the service's."""
        return self.builds.image(service, output, stop, access_of(step, service))

    def mounts(self, service: ServiceSpec) -> tuple[Bind | Volume, ...]:
        """The service's own mounts, and what the operator lends to the job."""
        docker = (self.private_engine.volume(),) if service.add_docker else ()
        return (*service_mounts(service, self.checkout, self.belongings.volume), *docker, *lent(self.spec.folders))

    def begin_docker(self, services: list[ServiceSpec], output: StepOutput, stop: Stop) -> None:
        """Have the job's own Docker engine run where one of them asks for it."""
        for service in services:
            if service.add_docker:
                self.private_engine.begin(service.name, self.checkout, self.folder, output, stop)

    def furnisher(self, service: ServiceSpec | None, user: str) -> Callable[[str], None]:
        """What a container needs between its making and its start; `user` is whose its processes are."""

        def furnish(container: str) -> None:
            put_files(self.tools.engine, container, self.spec.secret_files, user)
            if service is not None and service.add_docker:
                self.private_engine.link(container)

        return furnish


def as_env(variables: Mapping[str, str]) -> list[str]:
    """Variables as the engine takes them."""
    return [f"{name}={value}" for name, value in variables.items()]


def service_config(service: ServiceSpec, image: Image) -> dict[str, Any]:
    """What a service says of its container, as the engine takes it."""
    config: dict[str, Any] = {"Image": image.id}
    if service.entrypoint is not None:
        config["Entrypoint"] = list(service.entrypoint)
    if service.command is not None:
        config["Cmd"] = list(service.command)
    if service.working_dir:
        config["WorkingDir"] = service.working_dir
    if service.user:
        config["User"] = service.user
    if service.hostname:
        config["Hostname"] = service.hostname
    if service.health is not None:
        config["Healthcheck"] = _health(service.health)
    return config


def _health(check: HealthCheck) -> dict[str, Any]:
    """As the engine takes it: nanoseconds, and nothing where the image is to decide."""
    found: dict[str, Any] = {
        "Test": list(check.test),
        "Interval": int(check.interval_seconds * 1e9),
        "Timeout": int(check.timeout_seconds * 1e9),
        "StartPeriod": int(check.start_period_seconds * 1e9),
        "Retries": check.retries,
    }
    return {name: value for name, value in found.items() if value}


def is_checked(service: ServiceSpec, image: Image) -> bool:
    """Whether the service says of itself when it is ready."""
    if service.health is None or not service.health.test:
        return image.checked
    return service.health.test != ("NONE",)

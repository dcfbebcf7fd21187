"""The services beside a step: started before it, waited for where they have a health check, ended after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from runners.contract import ServiceSpec, Stop
from runners.executors.docker.containers import Running, launch
from runners.executors.docker.ending import GRACE_SECONDS, ContainerEnding
from runners.executors.docker.engine import Refused, State
from runners.executors.docker.graph import host_names
from runners.executors.docker.hardening import host_config
from runners.executors.docker.images import Image
from runners.executors.docker.job import Job, as_env, is_checked, service_config
from runners.executors.docker.links import link_environment
from runners.executors.docker.output import ServiceOutput, StepOutput
from runners.executors.docker.room import Room
from runners.executors.docker.sources import Sources
from runners.executors.docker.verdict import StepFailed, refused_to_start, service_failed
from runners.verdict import stopped_by

MOST_STARTING = 4
LOOK_SECONDS = 1.0
FIRST_LOOK_SECONDS = 0.1


class Companions:
    """The dependencies of one step, in one room with it."""

    def __init__(self, job: Job, room: Room, sources: Sources, output: StepOutput, everyone: list[ServiceSpec]) -> None:
        self._job, self._room, self._sources, self._output, self._everyone = job, room, sources, output, everyone
        self._names: dict[str, str] = {}
        self._running: dict[str, Running] = {}
        self._readers: list[threading.Thread] = []

    @property
    def containers(self) -> list[str]:
        """What has to be removed, begun or running."""
        return list(self._names.values())

    def start(
        self,
        levels: list[list[ServiceSpec]],
        images: dict[str, Image],
        ending: ContainerEnding,
        stop: Stop,
        *,
        primary: str,
    ) -> None:
        """Start level after level, each at once. StepFailed where one cannot be started."""

        def begin(service: ServiceSpec) -> None:
            if stop.reason is None:
                self._begin(service, images[service.name], primary)
                ending.add(self._running[service.name].id)

        for level in levels:
            with ThreadPoolExecutor(MOST_STARTING, thread_name_prefix="docker-companions") as pool:
                for started in [pool.submit(begin, service) for service in level]:
                    started.result()
        if stop.reason is not None:
            raise StepFailed(stopped_by(stop.reason))

    def wait_healthy(self, images: dict[str, Image], stop: Stop) -> None:
        """Until each that has a health check says healthy. StepFailed where one is unhealthy, ended, or `stop` came."""
        checked = {s.name for s in self._everyone if s.name in self._running and is_checked(s, images[s.name])}
        waiting = [name for name in self._running if name in checked]
        for name in waiting:
            self._output.say(f'Waiting for "{name}" service to become healthy')
        pause = FIRST_LOOK_SECONDS
        while waiting:
            waiting = [name for name in waiting if not self._is_healthy(name)]
            if waiting and stop.wait(pause) and stop.reason is not None:
                raise StepFailed(stopped_by(stop.reason))
            pause = min(pause * 1.5, LOOK_SECONDS)

    def links_of(self, service: ServiceSpec, primary: str) -> dict[str, str]:
        """The variables by which Docker's links told where the services are that this one needs."""
        found: dict[str, str] = {}
        for link in service.depends_on:
            engine = self._job.tools.engine
            facts = engine.inspect(self._running[link.service].id)
            if facts is not None:
                image = engine.image(str(facts["Image"]))
                found.update(link_environment(primary, link, facts, self._room.network, image))
        return found

    def end(self) -> None:
        """Stop reading; those that keep data beyond the step are ended gently first, so that the next finds it whole."""
        engine = self._job.tools.engine
        keeping = [self._running[s.name].id for s in self._everyone if s.name in self._running and _keeps_data(s)]
        for container in keeping:
            engine.signal(container, "SIGTERM")
        until = time.monotonic() + GRACE_SECONDS
        for container in keeping:
            engine.ended(container, max(int(until - time.monotonic()), 1))
        for running in self._running.values():
            running.attachment.close()
        for reader in self._readers:
            reader.join()

    def _begin(self, service: ServiceSpec, image: Image, primary: str) -> None:
        name = self._names[service.name] = self._job.belongings.container_name(service.name)
        config = service_config(service, image)
        host = host_config(self._job.tools.settings, self._room.network, self._job.mounts(service))
        host["VolumesFrom"] = self._sources.of(service, self._output)
        host["ExtraHosts"] = [*service.extra_hosts, *self._primary_host(primary)]
        config |= {
            "Env": as_env(self.links_of(service, service.name) | self._job.environment(service, None)),
            "Labels": self._job.belongings.labels(service=service.name),
            "HostConfig": host,
            "NetworkingConfig": endpoint(self._room, host_names(service, self._everyone)),
        }
        job = self._job
        try:
            running = launch(job.tools.engine, name, config, furnish=job.furnisher(service, service.user or image.user))
        except Refused as refusal:
            _, sentence = refused_to_start(str(refusal))
            raise service_failed(f'The service "{service.name}" could not be started: {sentence}') from refusal
        self._running[service.name] = running
        reader = threading.Thread(
            target=_read, args=(running, ServiceOutput(self._output, service.name)), name="docker-companion-output"
        )
        self._readers.append(reader)
        reader.start()

    def _primary_host(self, primary: str) -> list[str]:
        # The step joins the holder's namespace, which the network's DNS does not know by the step's name.
        return [f"{primary}:{self._room.address}"] if self._room.holder else []

    def _is_healthy(self, name: str) -> bool:
        state: State = self._job.tools.engine.state(self._running[name].id)
        if not state.running:
            raise service_failed(f'The service "{name}" ended with exit code {state.exit_code} before it was healthy.')
        if state.health == "unhealthy":
            raise service_failed(f'The service "{name}" is unhealthy: its health check failed again and again.')
        if state.health == "healthy":
            self._output.say(f"Status changed to 'healthy' for \"{name}\" service")
        return state.health in {"healthy", ""}


def endpoint(room: Room, names: list[str]) -> dict[str, object]:
    """How a container on the room's network is reached by the others."""
    return {"EndpointsConfig": {room.network: {"Aliases": names}}}


def _keeps_data(service: ServiceSpec) -> bool:
    return bool(service.volumes_from) or any(mount.source and not mount.read_only for mount in service.mounts)


def _read(running: Running, output: ServiceOutput) -> None:
    read: Callable[[float], bytes | None] = running.attachment.read
    while (data := read(60.0)) != b"":
        if data is not None:
            output.feed(data)
    output.end()

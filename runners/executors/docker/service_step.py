"""Runs a step in new containers, as CodeShip did: its services first, then its own container."""

from __future__ import annotations

import time
from typing import Any

from runners.contract import ServiceSpec, StepResult, StepSpec, Stop
from runners.executors.docker.companions import Companions, endpoint
from runners.executors.docker.containers import follow, launch
from runners.executors.docker.ending import ContainerEnding
from runners.executors.docker.engine import Refused, State
from runners.executors.docker.graph import host_names, levels, service_named
from runners.executors.docker.hardening import Bind, Volume, host_config
from runners.executors.docker.images import Image
from runners.executors.docker.job import Job, as_env, service_config
from runners.executors.docker.mounts import WORKSPACE, checkout_bind
from runners.executors.docker.name_files import name_files
from runners.executors.docker.output import StepOutput
from runners.executors.docker.room import Room
from runners.executors.docker.sources import Sources
from runners.executors.docker.verdict import (
    KILLED,
    OUT_OF_MEMORY_WARNING,
    exited,
    outage,
    refused_to_start,
)
from runners.verdict import stopped_by

# Both streams as one, so that their order is kept; the script itself stays as it is.
SCRIPT = ("/bin/sh", "-c", 'exec /bin/sh -e -c "$1" 2>&1', "sh")


class ServiceStep:
    """One run of one step."""

    def __init__(self, job: Job, sources: Sources, step: StepSpec, output: StepOutput, stop: Stop) -> None:
        self._job, self._sources, self._step, self._output, self._stop = job, sources, step, output, stop
        self._primary = _primary(job, step)
        self._levels = levels(job.services, self._primary)
        self._everyone = [self._primary, *(service for level in self._levels for service in level)]
        self._is_quiet = False  # its only container has ended, with every process of it

    def run(self) -> StepResult:
        """Block until the step ended; its containers are removed soon after. StepFailed where it could not begin."""
        self._job.begin_docker(self._everyone, self._output, self._stop)
        images = {s.name: self._job.image(s, self._output, self._stop, self._step) for s in reversed(self._everyone)}
        if self._stop.reason is not None:
            return stopped_by(self._stop.reason)
        # A name of its own needs a namespace of its own, which is told of it when it is made.
        room = self._job.belongings.room(is_alone=not self._levels and not self._primary.hostname)
        companions = Companions(self._job, room, self._sources, self._output, self._everyone)
        name = self._job.belongings.container_name(self._step.name or self._primary.name)
        try:
            with ContainerEnding(self._job.tools.engine, self._stop) as ending:
                companions.start(self._levels, images, ending, self._stop, primary=self._primary.name)
                companions.wait_healthy(images, self._stop)
                return self._run_primary(name, room, companions, images[self._primary.name], ending)
        finally:
            try:
                companions.end()
            finally:
                self._job.belongings.leave(room, [name, *companions.containers], is_quiet=self._is_quiet)

    def _run_primary(
        self, name: str, room: Room, companions: Companions, image: Image, ending: ContainerEnding
    ) -> StepResult:
        config = self._config(name, room, companions, image)
        engine, began = self._job.tools.engine, time.monotonic()
        if self._stop.reason is not None:
            return stopped_by(self._stop.reason)
        try:
            running = launch(
                engine, name, config, furnish=self._job.furnisher(self._primary, self._primary.user or image.user)
            )
        except Refused as refusal:
            exit_code, sentence = refused_to_start(str(refusal))
            self._output.say(sentence)
            return exited(exit_code, image.digest)
        ending.add(running.id)
        state = follow(engine, running, self._output.write, ending.is_given_up)
        self._is_quiet = not self._levels and not state.running
        return self._verdict(running.id, state, image, began)

    def _verdict(self, container: str, state: State, image: Image, began: float) -> StepResult:
        if self._stop.reason is not None:
            return stopped_by(self._stop.reason, state.exit_code)
        events, was_killed = self._job.tools.events, state.exit_code in KILLED
        out_of_memory = state.out_of_memory or events.ran_out_of_memory(container, began, state.exit_code)
        if not out_of_memory and was_killed and (not state.exists or events.ended_from_outside(container)):
            raise outage()
        if out_of_memory and state.exit_code == 0:
            self._output.say(OUT_OF_MEMORY_WARNING)
        return exited(state.exit_code, image.digest, out_of_memory=out_of_memory)

    def _config(self, name: str, room: Room, companions: Companions, image: Image) -> dict[str, Any]:
        service, step, job = self._primary, self._step, self._job
        config = service_config(service, image)
        if step.script is not None:
            config |= {"Entrypoint": list(SCRIPT), "Cmd": [step.script]}
        elif step.command is not None:
            config["Cmd"] = list(step.command)
        mounts: tuple[Bind | Volume, ...] = job.mounts(service)
        if not step.service:
            job.admission.of(image.user)
            mounts = (checkout_bind(job.checkout), *mounts)
            config["WorkingDir"] = WORKSPACE
        joins = bool(room.holder) and not service.hostname
        if joins:
            names = host_names(service, self._everyone)
            ours = name_files(job.folder, name, room, names, service.extra_hosts)
            taken = {mount.target for mount in mounts}
            mounts = (*mounts, *(file for file in ours if file.target not in taken))
        host = host_config(job.tools.settings, room.mode if joins else room.network, mounts)
        host["VolumesFrom"] = self._sources.of(service, self._output)
        if not joins:
            names = host_names(service, self._everyone)
            host["ExtraHosts"] = [*service.extra_hosts, *(f"{name}:127.0.0.1" for name in names if room.is_alone)]
            # Who stands alone is known to nobody: names on the network would be every other job's.
            config["NetworkingConfig"] = endpoint(room, [] if room.is_alone else names)
        links = companions.links_of(service, service.name)
        return config | {
            "Env": as_env(links | job.environment(service if step.service else None, step)),
            "Labels": job.belongings.labels(step=step.name, service=service.name),
            "HostConfig": host,
        }


def _primary(job: Job, step: StepSpec) -> ServiceSpec:
    return service_named(job.services, step.service) if step.service else ServiceSpec(name="step", image=step.image)

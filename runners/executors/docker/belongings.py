"""Everything in the engine that belongs to one attempt at a job, so that all of it can be removed, whatever happened."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable

from runners.contract import JobSpec
from runners.executors.docker import labels
from runners.executors.docker.disposal import Disposal
from runners.executors.docker.engine import Engine
from runners.executors.docker.rooms import Room, Rooms


class Belongings:
    """Names are taken down before anything is made under them. Thread-safe."""

    def __init__(self, engine: Engine, rooms: Rooms, disposal: Disposal, instance: str, job: JobSpec) -> None:
        self._engine, self._rooms, self._disposal = engine, rooms, disposal
        self._job_name = job.name
        self._labels = labels.of_job(instance, job)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._containers: set[str] = set()
        self._volumes: dict[str, str] = {}

    def labels(self, *, step: str = "", service: str = "") -> dict[str, str]:
        """What to write on a container."""
        return {**self._labels, labels.STEP: step[:200], labels.SERVICE: service[:200]}

    def container_name(self, hint: str) -> str:
        """A new name; whatever is made under it is removed with the job at the latest."""
        with self._lock:
            name = f"{self._job_name}-{next(self._numbers)}-{labels.slug(hint)}"
            self._containers.add(name)
            return name

    def volume(self, name: str) -> str:
        """The job's volume that the project calls `name`, made where it is not there yet."""
        with self._lock:
            if name not in self._volumes:
                real = f"{self._job_name}-{len(self._volumes) + 1}-{labels.slug(name)}"
                self._volumes[name] = real
                self._engine.create_volume(real, self._labels)
            return self._volumes[name]

    def discard(self, containers: list[str], room: Room | None = None) -> None:
        """Remove containers, and then the room that they were in, soon."""
        removals: list[Callable[[], object]] = [functools.partial(self._remove, name) for name in containers]
        if room is not None:
            removals.append(functools.partial(self._rooms.remove, room))
        self._disposal.add(*removals)

    def discard_all(self, *last: Callable[[], object]) -> None:
        """Remove all that is left, soon: containers, then volumes, then what the caller adds."""
        with self._lock:
            containers, volumes = list(self._containers), list(self._volumes.values())
        removals: list[Callable[[], object]] = [functools.partial(self._remove, name) for name in containers]
        removals += [functools.partial(self._engine.remove_volume, name) for name in volumes]
        self._disposal.add(*removals, *last)

    def _remove(self, name: str) -> None:
        self._engine.remove(name)
        with self._lock:
            self._containers.discard(name)

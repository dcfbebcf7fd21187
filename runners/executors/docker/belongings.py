"""Everything in the engine that belongs to one attempt at a job, so that all of it can be removed, whatever happened."""

from __future__ import annotations

import functools
import itertools
import threading
from collections import Counter
from collections.abc import Callable

from runners.contract import JobSpec
from runners.executors.docker import labels
from runners.executors.docker.disposal import Disposal
from runners.executors.docker.engine import Engine
from runners.executors.docker.room import Room
from runners.executors.docker.rooms import Rooms


class Belongings:
    """Names are taken down before anything is made under them. Thread-safe."""

    def __init__(self, engine: Engine, rooms: Rooms, disposal: Disposal, instance: str, job: JobSpec) -> None:
        self._engine, self._rooms, self._disposal = engine, rooms, disposal
        self._job_name = job.name
        self._circle = "" if job.is_strangers else job.circle
        self._labels = labels.of_job(instance, job)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._containers: set[str] = set()
        self._volumes: dict[str, str] = {}
        self._empty_rooms: list[Room] = []
        self._being_left: Counter[str] = Counter()  # by the room's name: removals that go on
        self._uses_left = 0
        self._is_over = False

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

    def expect(self, uses: int) -> None:
        """So many containers of the job will want a room, one after another or together."""
        self._uses_left = uses

    def room(self, *, is_alone: bool) -> Room:
        """A room for one step: one of an earlier step of this job, whose processes have all ended, else another."""
        with self._lock:
            uses, self._uses_left = self._uses_left, self._uses_left - 1
            fitting = [room for room in self._empty_rooms if is_alone or not room.is_alone]
            if fitting:
                self._empty_rooms.remove(fitting[0])
                return fitting[0]
        return self._rooms.take_alone(uses=uses, circle=self._circle) if is_alone else self._rooms.take()

    def leave(self, room: Room, containers: list[str], *, is_quiet: bool) -> None:
        """Remove a step's containers, soon. The next step of the job may have the room.

        `is_quiet`: the step had one container and it has ended: nothing that ran in the room is left, as of now.
        """
        with self._lock:
            if not self._volumes:  # which must wait for their containers; else nobody needs to remove these again
                self._containers.difference_update(containers)
            self._being_left[room.name] += 1
            is_free = is_quiet and bool(room.holder)
            if is_free:
                self._empty_rooms.append(room)
        removals = [functools.partial(self._remove, name) for name in containers]
        self._disposal.add(*removals, functools.partial(self._was_left, room, is_free=is_free))

    def let_go(self, room: Room) -> None:
        """The job does not need it any more, and its containers have been removed: to the next of its circle, or away."""
        self._rooms.pass_on(room, self._circle)

    def discard_all(self, *last: Callable[[], object]) -> None:
        """Remove all that is left, soon: containers, then rooms and volumes, then what the caller adds."""
        with self._lock:
            self._is_over = True
            containers, volumes = list(self._containers), list(self._volumes.values())
            # What is still being left is let go when that is done.
            rooms = [room for room in self._empty_rooms if not self._being_left[room.name]]
            self._empty_rooms = [room for room in self._empty_rooms if room not in rooms]
        removals: list[Callable[[], object]] = [functools.partial(self._remove, name) for name in containers]
        removals += [functools.partial(self.let_go, room) for room in rooms]
        removals += [functools.partial(self._remove_volume, name) for name in volumes]
        self._disposal.add(*removals, *last)

    def _was_left(self, room: Room, *, is_free: bool) -> None:
        with self._lock:
            self._being_left[room.name] -= 1
            if room.name and not is_free:
                self._empty_rooms.append(room)
            is_done = self._is_over and not self._being_left[room.name] and room in self._empty_rooms
            if is_done:
                self._empty_rooms.remove(room)
        if is_done:
            self.let_go(room)

    def _remove(self, name: str) -> None:
        self._engine.remove(name)
        with self._lock:
            self._containers.discard(name)

    def _remove_volume(self, name: str) -> None:
        self._engine.remove_volume(name)


class KeptBelongings(Belongings):
    """Containers are ended and stay, with their volumes, for a person to look into; a sweep removes them."""

    def _remove(self, name: str) -> None:
        self._engine.signal(name, "SIGKILL")

    def _remove_volume(self, name: str) -> None:
        """What a container mounts cannot go before it."""

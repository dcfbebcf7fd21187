"""Builds the images of one job's services from its checkout: when a step first needs one, and once.

The names that a project gives its images (`build.image`) hold within the job alone: FROM lines that use them are
pointed to the image's id. Written into the engine, they would be every other project's `debian:bookworm-slim`, too.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from runners.contract import Failure, ImageBuild, Outcome, ServiceSpec, StepResult, Stop
from runners.errors import ImageError, SpecError
from runners.executors.docker import labels
from runners.executors.docker.context import read_text, write_context
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.hardening import MEBIBYTE, SHARED_MEMORY_BYTES
from runners.executors.docker.images import Image, Images, is_transient, with_tag
from runners.executors.docker.mounts import inside
from runners.executors.docker.output import StepOutput
from runners.executors.docker.rooms import Rooms
from runners.executors.docker.streams import Lines
from runners.executors.docker.verdict import StepFailed

OUTSIDE = ".ciservice.Dockerfile"

_USES = re.compile(r"^(\s*FROM\s+(?:--platform=\S+\s+)?|.*\s--from=)(\S+)", re.IGNORECASE | re.MULTILINE)


class Builds:
    """The images of one job's services. Thread-safe; a job builds one image at a time."""

    def __init__(
        self, engine: Engine, images: Images, rooms: Rooms, checkout: Path, services: Mapping[str, ServiceSpec]
    ) -> None:
        self._engine, self._images, self._rooms, self._checkout = engine, images, rooms, checkout
        self._services = services
        self._tags = {with_tag(s.build.tag): s.name for s in services.values() if s.build and s.build.tag}
        self._done: dict[str, Image] = {}
        # One for all: two images that start from each other would wait for each other's locks for ever.
        self._lock = threading.RLock()

    def image(self, service: ServiceSpec, output: StepOutput, stop: Stop, terms: BuildTerms) -> Image:
        """The service's image, pulled or built now where it is not there yet."""
        if service.build is None:
            maker = self._services.get(self._tags.get(with_tag(service.image), ""))
            if maker is None:
                return self._images.get(service.image, output.say, stop)
            service = maker
        while not self._lock.acquire(timeout=1):
            if stop.reason is not None:
                raise ImageError(f"Stopped while the image of service {service.name} waited to be built.")
        try:
            if service.name not in self._done:
                self._done[service.name] = self._build(service, output, stop, terms)
            return self._done[service.name]
        finally:
            self._lock.release()

    def _build(self, service: ServiceSpec, output: StepOutput, stop: Stop, terms: BuildTerms) -> Image:
        build = service.build
        if build is None or service.name in terms.under_way:
            raise SpecError(f"The image of service {service.name} is built from itself.")
        deeper = BuildTerms(terms.instance, terms.memory_mb, terms.under_way | {service.name})

        def of_this_job(name: str) -> str:
            maker = self._services.get(self._tags.get(with_tag(name), ""))
            # A service may rebuild the image it starts from under the same name: then the registry's is meant.
            if maker is None or maker.name in deeper.under_way:
                return name
            return self.image(maker, output, stop, deeper).id

        output.say(f"Building the image of service {service.name}")
        text = read_text(self._checkout, os.path.join(build.context, build.dockerfile))
        pinned = _USES.sub(lambda found: found[1] + of_this_job(found[2]), text)
        path, replaced = self._placed(build, pinned, is_changed=pinned != text)
        room = self._rooms.take()
        try:
            with tempfile.TemporaryFile() as context:
                write_context(self._checkout, build.context, context, replaced)
                context.seek(0)
                lines = self._engine.stream("POST", "/build", _parameters(build, path, room.mode, terms), context)
                made = _read_build(service.name, lines, output, stop)
        except Refused as refusal:
            raise _build_failed(service.name, str(refusal)) from refusal
        finally:
            self._rooms.give_back(room)
        facts = self._engine.image(made)
        if facts is None:
            raise ImageError(f"The image of service {service.name} was built, but the engine does not have it.")
        return Image.of(facts)

    def _placed(self, build: ImageBuild, text: str, *, is_changed: bool) -> tuple[str, dict[str, bytes]]:
        """Where the engine finds the Dockerfile in the context, and what has to be put there."""
        folder = inside(self._checkout, build.context)
        real = inside(self._checkout, os.path.join(build.context, build.dockerfile))
        if not real.is_relative_to(folder):
            return OUTSIDE, {OUTSIDE: text.encode()}
        path = str(real.relative_to(folder))
        return path, {path: text.encode()} if is_changed else {}


class BuildTerms:
    """What of the runner a build needs to know, and which builds wait for this one."""

    def __init__(self, instance: str, memory_mb: int, under_way: frozenset[str] = frozenset()) -> None:
        self.instance, self.memory_mb, self.under_way = instance, memory_mb, under_way


def _parameters(build: ImageBuild, path: str, network: str, terms: BuildTerms) -> dict[str, str]:
    memory = terms.memory_mb * MEBIBYTE
    return {
        "dockerfile": path,
        "buildargs": json.dumps(dict(build.args)),
        "target": build.target,
        # Not the job's labels: the same files must give the same image, so that layers are kept between builds.
        "labels": json.dumps({labels.INSTANCE: terms.instance}),
        "networkmode": network,
        "rm": "1",
        "forcerm": "1",
        "memory": str(memory),
        "memswap": str(memory),
        "shmsize": str(SHARED_MEMORY_BYTES),
    }


def _read_build(service: str, lines: Lines, output: StepOutput, stop: Stop) -> str:
    """Pass the progress on; the id of the image at the end."""
    image = ""
    forget = stop.on_order(lambda _: lines.close())
    try:
        for line in lines:
            told = json.loads(line)
            if "error" in told:
                raise _build_failed(service, str(told["error"]))
            image = str((told.get("aux") or {}).get("ID") or image)
            _show(told, output)
    finally:
        forget()
        lines.release()
    if not image:
        raise ImageError(f"The build of the image of service {service} was broken off.")
    return image


def _show(told: dict[str, object], output: StepOutput) -> None:
    if text := str(told.get("stream") or ""):
        output.write(text.encode())
    elif (status := str(told.get("status") or "")) and not told.get("progressDetail"):
        output.say(f"{told['id']}: {status}" if told.get("id") else status)


def _build_failed(service: str, sentence: str) -> Exception:
    """Our failure where a registry could not be asked, the project's in every other case."""
    if is_transient(sentence) and "returned a non-zero code" not in sentence:
        return ImageError(f"The image of service {service} could not be built: {sentence}")
    return StepFailed(
        StepResult(
            outcome=Outcome.FAILED,
            failure=Failure.IMAGE,
            reason=f"The image of service {service} could not be built: {sentence}",
        )
    )

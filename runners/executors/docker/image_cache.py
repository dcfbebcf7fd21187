"""Keeps built images where other runners find their layers: a folder, or a registry. A failure here costs time, nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runners.contract import CacheScope, ServiceSpec, Stop
from runners.errors import RunnerError, SpecError
from runners.executors.config import ExecutorSettings
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.images import Images, kept_name
from runners.executors.docker.output import StepOutput
from runners.executors.docker.pull import pull_stubbornly
from runners.executors.docker.push import Pusher
from runners.executors.docker.registries import Login, Target, host_of_image
from runners.executors.docker.verdict import StepFailed

logger = logging.getLogger(__name__)

DEFAULT_BRANCHES = ("master", "main")
GIBIBYTE = 1024**3

_FAILURES = (RunnerError, SpecError, StepFailed, Refused, OSError)


@dataclass(frozen=True)
class Key:
    """Whose cache it is. Projects never share one."""

    project: str
    service: str
    branch: str

    @property
    def name(self) -> str:
        """Of letters, digits and dashes alone, and different for every key."""
        slug = re.sub(r"[^a-z0-9]+", "-", f"{self.service}-{self.branch}".lower()).strip("-")[:60].strip("-")
        digest = hashlib.sha256(f"{self.service}\0{self.branch}".encode()).hexdigest()[:16]
        return f"{slug}-{digest}" if slug else digest


@dataclass(frozen=True)
class Found:
    """A kept image."""

    name: str
    is_new: bool  # to this engine


class Store(Protocol):
    """Where images are kept."""

    def fetch(self, key: Key, stop: Stop) -> Found | None:
        """Bring the image onto the engine, under its name of `Images.keep`; None where none is kept."""

    def put(self, key: Key, image: str) -> None:
        """Keep it instead of what was kept before."""


class ImageCache:
    """What a runner keeps of the builds of services that say `cached`."""

    def __init__(self, engine: Engine, images: Images, store: Store | None) -> None:
        self._engine, self._images, self._store = engine, images, store
        self._later = ThreadPoolExecutor(1, thread_name_prefix="docker-image-cache")

    def close(self) -> None:
        """Wait until what is being kept is kept."""
        self._later.shutdown(wait=True)

    def sources(
        self, service: ServiceSpec, scope: CacheScope | None, output: StepOutput, stop: Stop
    ) -> tuple[str, ...]:
        """The image to take layers from, where this engine did not have it: else its own layers serve better."""
        if self._store is None or scope is None or not service.cached:
            return ()
        fallbacks = (service.default_cache_branch,) if service.default_cache_branch else DEFAULT_BRANCHES
        for branch in dict.fromkeys((scope.branch, *fallbacks)):
            try:
                found = self._store.fetch(Key(scope.project, service.name, branch), stop)
            except _FAILURES as error:
                output.say(f"Warning: the cached image of service {service.name} could not be had: {error}")
                return ()
            if found is not None and found.is_new:
                output.say(f"Using the cached image of service {service.name} from branch {branch}")
            if found is not None:
                return (found.name,) if found.is_new else ()
        output.say(f"No cached image of service {service.name} yet")
        return ()

    def keep(self, service: ServiceSpec, scope: CacheScope | None, image: str) -> None:
        """Keep a built image for other runners, soon."""
        store = self._store
        if store is None or scope is None or not scope.writes or not service.cached:
            return
        self._images.keep(image)  # so that nobody removes it before
        with contextlib.suppress(RuntimeError):  # closed
            self._later.submit(_put, store, Key(scope.project, service.name, scope.branch), image)


def _put(store: Store, key: Key, image: str) -> None:
    try:
        store.put(key, image)
    except _FAILURES as error:
        logger.warning("image cache project=%s name=%s was not written: %s", key.project, key.name, error)


class FolderStore:
    """Archives in a folder that the runners share, each beside its image's id. The least used go where it grows too large."""

    def __init__(self, engine: Engine, images: Images, folder: Path, most_bytes: int) -> None:
        self._engine, self._images, self._folder, self._most_bytes = engine, images, folder, most_bytes

    def fetch(self, key: Key, stop: Stop) -> Found | None:
        """As Store has it."""
        archive = self._path(key)
        try:
            image = archive.with_suffix(".id").read_text().strip()
            file = archive.open("rb")
        except FileNotFoundError:
            return None
        with file:
            os.utime(archive)  # used now
            is_new = self._engine.image(kept_name(image)) is None
            if is_new:
                self._engine.load_image(file)
                if self._engine.image(image) is None:
                    raise RunnerError(f"{archive} does not hold the image {image}.")
        return Found(self._images.keep(image), is_new)

    def put(self, key: Key, image: str) -> None:
        """As Store has it: a reader never finds half an archive."""
        archive = self._path(key)
        if _is_text(archive.with_suffix(".id"), image) and archive.exists():
            os.utime(archive)
            return
        archive.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        with _replacing(archive) as file:
            for piece in self._engine.save_image(image):
                size += len(piece)
                if size > self._most_bytes:
                    raise RunnerError(f"the image has more than the {self._most_bytes} bytes of the whole cache")
                file.write(piece)
        with _replacing(archive.with_suffix(".id")) as file:
            file.write(image.encode())
        self._make_room(archive)

    def _path(self, key: Key) -> Path:
        return self._folder / re.sub(r"[^A-Za-z0-9-]", "-", key.project) / f"{key.name}.tar"

    def _make_room(self, newest: Path) -> None:
        kept = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self._folder.glob("*/*.tar"))
        total = sum(size for _, size, _ in kept)
        for _, size, path in kept:
            if total <= self._most_bytes or path == newest:
                continue
            path.unlink(missing_ok=True)
            path.with_suffix(".id").unlink(missing_ok=True)
            total -= size


class RegistryStore:
    """Images in a registry of the operator's, `prefix/<project>:<service and branch>`. Removing old ones is its part."""

    def __init__(self, engine: Engine, images: Images, prefix: str, login: Login | None) -> None:
        self._engine, self._images, self._prefix, self._login = engine, images, prefix.strip("/"), login

    def fetch(self, key: Key, stop: Stop) -> Found | None:
        """As Store has it."""
        target = self._target(key)
        headers = {"X-Registry-Auth": self._login.header(target.host)} if self._login else {}
        with self._images.alone_with(target.name, stop):
            try:
                pull_stubbornly(self._engine, target.name, lambda _: None, stop, headers)
            except SpecError:
                return None  # no registry says this more clearly
            image = str((self._engine.image(target.name) or {})["Id"])
            is_new = self._engine.image(kept_name(image)) is None
            name = self._images.keep(image)
            self._engine.untag_image(target.name)
        return Found(name, is_new)

    def put(self, key: Key, image: str) -> None:
        """As Store has it."""
        pusher = Pusher(self._engine, self._images)
        pusher.push(image, self._target(key), self._login, StepOutput(lambda _: None), Stop())

    def _target(self, key: Key) -> Target:
        repository = f"{self._prefix}/{key.project.lower()}"
        return Target(host_of_image(repository), repository, key.name)


def _is_text(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def make_store(engine: Engine, images: Images, settings: ExecutorSettings) -> Store | None:
    """The store that the settings name: a path, or host/prefix of a registry; None where they name none."""
    where = settings.image_cache
    if not where:
        return None
    if where.startswith("/"):
        return FolderStore(engine, images, Path(where), settings.image_cache_gb * GIBIBYTE)
    username, _, password = settings.image_cache_login.partition(":")
    login = Login(username=username, password=password) if username else None
    return RegistryStore(engine, images, where, login)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[tempfile._TemporaryFileWrapper[bytes]]:
    """A file that takes the path's place as a whole, or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
        try:
            yield file
            file.flush()
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise

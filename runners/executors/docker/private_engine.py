"""A Docker engine of one job's own, for its services with `add_docker: true`: in a container, begun when first needed.

The job is master of that engine, so nothing that comes from it is believed: its socket lies in a volume that is
resolved inside of containers only, and its images are taken over by their content (`private_engine_images.py`).
"""

from __future__ import annotations

import contextlib
import io
import re
import tarfile
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from runners.contract import JobSpec, MountKind, ServiceSpec, Stop
from runners.errors import EngineError, ImageError, SpecError
from runners.executors.config import ExecutorSettings
from runners.executors.docker.belongings import Belongings
from runners.executors.docker.containers import Running, launch
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.hardening import Bind, Volume
from runners.executors.docker.images import Image, Images
from runners.executors.docker.mounts import service_mounts
from runners.executors.docker.name_files import name_files
from runners.executors.docker.output import StepOutput
from runners.executors.docker.private_engine_form import check, client, engine_host_config, not_allowed
from runners.executors.docker.private_engine_images import MOST_BYTES, plain_image
from runners.executors.docker.room import Room
from runners.executors.docker.verdict import StepFailed
from runners.verdict import stopped_by

START_SECONDS = 60.0
ASK_SECONDS = 30.0
SAVE_SECONDS = 600.0
LOOK_SECONDS = 0.5
LAST_LINES = 20

# A folder, not the socket alone: what a job puts in the socket's place leads nowhere but inside of its own containers.
FOLDER = "/run/ciservice"
HOST = f"unix://{FOLDER}/docker.sock"
DATA = "/var/lib/ciservice-engine"
USUAL_SOCKET = "var/run/docker.sock"

_READY = b"API listen on"
_ID = re.compile(r"sha256:[0-9a-f]{64}")
# Where the engine's own programs and files are: nothing of a project may take their place.
_OURS = frozenset(
    {
        *("bin", "boot", "dev", "etc", "home", "init", "lib", "lib32", "lib64", "libx32", "lost+found", "media"),
        *("proc", "root", "run", "sbin", "sys", "usr", "var"),
    }
)
_NOT_OURS = ("/home/", "/usr/src/", "/var/www/")
_ENGINES_HOME = PurePosixPath("/home/rootless")


class PrivateEngine:
    """Of one job. Thread-safe."""

    def __init__(
        self, settings: ExecutorSettings, engine: Engine, images: Images, belongings: Belongings, job: JobSpec
    ) -> None:
        self._settings, self._engine, self._images = settings, engine, images
        self._belongings, self._job = belongings, job
        self._lock = threading.Lock()
        self._container = ""
        self._room: Room | None = None
        self._taken: dict[str, Image] = {}  # by the id that this engine told

    def begin(self, service: str, checkout: Path, folder: Path, output: StepOutput, stop: Stop) -> None:
        """Have it run, for a service that asks for it. SpecError where this runner does not allow it, or it ended."""
        check(self._settings, service, is_strangers=self._job.is_strangers)
        with self._lock:
            if not self._container:
                output.say("Starting a Docker engine for this job")
                self._start(checkout, folder, output, stop)
            elif not (state := self._engine.state(self._container)).running:
                why = "it used up its memory" if state.out_of_memory else f"exit code {state.exit_code}"
                raise SpecError(f"The job's own Docker engine has ended: {why}.")

    def volume(self) -> Volume:
        """The mount by which a container reaches it."""
        return Volume(name=self._belongings.volume("docker engine's socket"), target=FOLDER)

    def link(self, container: str) -> None:
        """Let a container that was created find the engine at /var/run/docker.sock, too."""
        folder, _, name = USUAL_SOCKET.rpartition("/")
        try:
            self._engine.put(container, f"/{folder}", _link(name))
        except Refused:
            self._engine.put(container, "/", _link(USUAL_SOCKET))

    def image(self, name: str, say: Callable[[str], None], stop: Stop) -> Image | None:
        """The image that this engine has under that name, taken over to the runner's; None where it has none."""
        with self._lock:
            if not self._container or not self._engine.state(self._container).running:
                return None
            told = io.BytesIO()
            self._ask(["image", "inspect", "--format", "{{.Id}}", "--", name], told, ASK_SECONDS, stop)
            its_id = told.getvalue().decode(errors="replace").strip()
            if _ID.fullmatch(its_id) is None:
                return None
            # What the runner's engine has already is taken over all the same: an id alone proves no right to it.
            if its_id not in self._taken:
                say(f"Taking the image {name} over from the job's own Docker engine")
                self._taken[its_id] = self._take(name, its_id, stop)
            return self._taken[its_id]

    def leave_room(self) -> None:
        """Give back its network, once its container is gone."""
        if self._room is not None:
            self._belongings.let_go(self._room)

    def _start(self, checkout: Path, folder: Path, output: StepOutput, stop: Stop) -> None:
        facts = self._engine.image(self._settings.private_engine_image)
        if facts is None:
            raise not_allowed(
                self._settings, f"its image {self._settings.private_engine_image} is not there (PRIVATE_ENGINE_IMAGE)"
            )
        if self._room is None:
            # With what some forms allow, frames could be forged: no other job's container may stand on its network.
            self._room = self._belongings.room(is_alone=False)
        name = self._belongings.container_name("docker-engine")
        try:
            running = launch(self._engine, name, self._config(name, self._room, str(facts["Id"]), checkout, folder))
        except Refused as refusal:
            raise not_allowed(self._settings, str(refusal).strip()) from refusal
        with contextlib.ExitStack() as undo:
            undo.callback(self._engine.remove, running.id)  # else the next try shares its data
            with contextlib.closing(running.attachment):
                self._wait(running, output, stop)
            undo.pop_all()
        self._container = running.id

    def _config(self, name: str, room: Room, image: str, checkout: Path, folder: Path) -> dict[str, Any]:
        data = Volume(name=self._belongings.volume("docker engine's data"), target=DATA)
        names = name_files(folder, name, room) if room.holder else ()
        mounts: tuple[Bind | Volume, ...] = (data, self.volume(), *_shared(self._job, checkout), *names)
        return {
            "Image": image,
            "Cmd": ["dockerd", f"--host={HOST}", f"--data-root={DATA}"],
            "Labels": self._belongings.labels(service="docker engine"),
            "HostConfig": engine_host_config(self._settings, room.mode, mounts),
        }

    def _wait(self, running: Running, output: StepOutput, stop: Stop) -> None:
        """Until it answers; what it printed is only told where it does not."""
        until, said, seen = time.monotonic() + START_SECONDS, deque[bytes](maxlen=64), b""
        while _READY not in seen:
            if stop.reason is not None:
                raise StepFailed(stopped_by(stop.reason))
            data = running.attachment.read(LOOK_SECONDS)
            if data:
                said.append(data)
                seen = seen[-len(_READY) :] + data
            if data == b"" or time.monotonic() > until:
                self._tell(b"".join(said), output)
                if data is None:
                    raise EngineError(f"The job's own Docker engine was not ready within {START_SECONDS:.0f} s.")
                code = self._engine.ended(running.id, int(ASK_SECONDS)).exit_code
                raise not_allowed(self._settings, f"it ended with exit code {code}, and its last words are in the log")

    def _tell(self, said: bytes, output: StepOutput) -> None:
        for line in said.decode(errors="replace").splitlines()[-LAST_LINES:]:
            output.say(f"docker engine | {line}")

    def _take(self, name: str, its_id: str, stop: Stop) -> Image:
        with tempfile.TemporaryFile() as saved, tempfile.TemporaryFile() as plain:
            self._ask(["save", its_id], saved, SAVE_SECONDS, stop)
            saved.seek(0)
            try:
                plain_image(saved, plain, its_id)
                plain.seek(0)
                self._engine.load_image(plain)
            except (SpecError, Refused) as error:
                raise SpecError(f"The image {name} of the job's own Docker engine cannot be used: {error}") from error
        facts = self._engine.image(its_id)
        if facts is None:
            raise ImageError(f"The image {name} was taken over, but the engine does not have it.")
        self._images.keep(its_id)
        return Image.of(facts)

    def _ask(self, words: list[str], into: BinaryIO, seconds: float, stop: Stop) -> None:
        """Write down what the client of its image prints; that of the private engine can be endless, and is not let."""
        until, size = time.monotonic() + seconds, 0
        command = [*client(self._settings), "--host", HOST, *words]
        with contextlib.closing(self._engine.execute(self._container, command)) as answer:
            while (data := answer.read(LOOK_SECONDS)) != b"":
                size += into.write(data or b"")
                if stop.reason is not None:
                    raise ImageError("Stopped while the job's own Docker engine was asked.")
                if size > MOST_BYTES:
                    raise SpecError(f"An image of more than {MOST_BYTES >> 30} GiB is not taken over.")
                if time.monotonic() > until:
                    raise ImageError(f"The job's own Docker engine did not answer within {seconds:.0f} s.")


def _shared(job: JobSpec, checkout: Path) -> list[Bind]:
    """The folders of the checkout where the services have them, so that `docker run -v $PWD:…` means the same folder."""
    found: dict[str, Bind] = {}
    for service in job.pipeline.services:
        if service.add_docker:
            for mount in _binds(service, checkout):
                if _is_free(PurePosixPath(mount.target)):
                    found.setdefault(mount.target, mount)
    return list(found.values())


def _binds(service: ServiceSpec, checkout: Path) -> list[Bind]:
    own = tuple(mount for mount in service.mounts if mount.kind is MountKind.CHECKOUT)
    try:
        mounts = service_mounts(replace(service, mounts=own), checkout, str)
    except SpecError:  # said by the step that needs this service
        return []
    return [mount for mount in mounts if isinstance(mount, Bind)]


def _is_free(target: PurePosixPath) -> bool:
    if target.is_relative_to(_ENGINES_HOME):
        return False
    return target.parts[1] not in _OURS or str(target).startswith(_NOT_OURS)


def _link(path: str) -> bytes:
    """A tar with a link to the socket at `path`, and the folders that lead there."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        for folder in reversed(PurePosixPath(path).parents[:-1]):
            entry = tarfile.TarInfo(str(folder))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        entry = tarfile.TarInfo(path)
        entry.type, entry.linkname = tarfile.SYMTYPE, f"{FOLDER}/docker.sock"
        tar.addfile(entry)
    return memory.getvalue()

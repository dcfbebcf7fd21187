"""Runs jobs in Docker containers: the door of this package."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runners.checkout import check_out
from runners.contract import DirectorySource, HearSecrets, JobSpec, Output, Stop, forget_secrets
from runners.errors import EngineError
from runners.executors.config import ExecutorSettings
from runners.executors.docker.admission import Admission
from runners.executors.docker.belongings import Belongings, KeptBelongings
from runners.executors.docker.builders import Builders
from runners.executors.docker.builds import Builds, Workshop
from runners.executors.docker.credentials import Credentials
from runners.executors.docker.disposal import Disposal
from runners.executors.docker.engine import Engine
from runners.executors.docker.events import Events
from runners.executors.docker.folders import remove_folder
from runners.executors.docker.image_cache import ImageCache, make_store
from runners.executors.docker.images import Images
from runners.executors.docker.job import Job, Tools
from runners.executors.docker.memory import Remembered
from runners.executors.docker.owner import Owner
from runners.executors.docker.private_engine import PrivateEngine
from runners.executors.docker.rooms import Rooms
from runners.executors.docker.sweep import Sweep
from runners.executors.docker.workspace import DockerWorkspace
from runners.floors import ENGINE

logger = logging.getLogger(__name__)

FOLDER_MODE = 0o711  # others may pass through to a file whose name they know, as an engine without root must


@dataclass(frozen=True)
class _Open:
    """What exists between `open` and `close`."""

    tools: Tools
    owner: Owner
    disposal: Disposal
    workshop: Workshop


class DockerExecutor:
    """Jobs in containers of one Docker engine on this machine."""

    name = "docker"
    version = ""

    def __init__(self, settings: ExecutorSettings) -> None:
        self._settings = settings
        self._instance = settings.instance or hashlib.sha256(str(settings.data_dir).encode()).hexdigest()[:12]
        self._leases = settings.data_dir / "leases"
        self._discarded = settings.data_dir / "discarded"
        self._open: _Open | None = None

    def open(self) -> None:
        """Connect, listen to the engine, and begin to prepare networks. EngineError says what to do."""
        engine = Engine(self._settings.docker_url)
        with contextlib.ExitStack() as undo:
            undo.callback(engine.close)
            self._make_folders()
            facts = engine.facts()
            if too_old := ENGINE.obstacle(str(facts.get("Version", ""))):
                raise EngineError(too_old)
            owner = Owner(self._leases)
            undo.callback(owner.close)
            disposal = Disposal()
            undo.callback(disposal.close)
            events = Events(engine, self._instance)
            undo.callback(events.close)
            events.open()
            rooms = Rooms(engine, owner, self._instance, disposal)
            images = Images(engine, renews=self._settings.renews_images)
            workshop = self._workshop(engine, images, rooms)
            undo.callback(workshop.cache.close)
            rooms.open()
            undo.pop_all()
        self.version = str(facts.get("Version", ""))
        logger.info("Docker engine version=%s arch=%s", facts.get("Version"), facts.get("Arch"))
        tools = Tools(
            settings=self._settings,
            instance=self._instance,
            engine=engine,
            events=events,
            rooms=rooms,
            images=images,
        )
        self._open = _Open(tools, owner, disposal, workshop)

    def _workshop(self, engine: Engine, images: Images, rooms: Rooms) -> Workshop:
        return Workshop(
            instance=self._instance,
            engine=engine,
            images=images,
            builders=Builders(engine, rooms, self._settings),
            memory=Remembered(),
            cache=ImageCache(engine, images, make_store(engine, images, self._settings)),
        )

    def close(self) -> None:
        """Remove what was prepared, wait until everything of ended jobs is gone, and disconnect."""
        if self._open is None:
            return
        opened, self._open = self._open, None
        opened.workshop.cache.close()
        opened.tools.rooms.close()
        opened.disposal.close()
        opened.tools.events.close()
        opened.owner.close()
        opened.tools.engine.close()

    @contextlib.contextmanager
    def workspace(
        self, job: JobSpec, stop: Stop, on_output: Output, hear_secrets: HearSecrets = forget_secrets
    ) -> Iterator[DockerWorkspace]:
        """The job's checkout and containers. Leaving it takes no time: what is left is removed behind."""
        opened = self._opened()
        folder = self._settings.workspaces / job.name
        belongings = self._belongings(opened, job)
        work = self._job(job, opened, belongings, folder, hear_secrets)
        workspace = DockerWorkspace(work, stop, on_output)
        try:
            workspace.prepare()
            if not isinstance(job.source, DirectorySource):
                settings = self._settings
                check_out(job.source, settings.mirrors, work.checkout, policy=settings.git_policy, stop=stop)
            yield workspace
        finally:
            try:
                workspace.close()
            finally:
                belongings.discard_all(workspace.leave_room, self._removal(opened.tools, folder))

    def sweep(self, is_live: Callable[[str, int], bool]) -> int:
        """Remove what attempts and processes left that are not live; how many objects went."""
        opened = self._opened()
        folders = (self._settings.workspaces, self._discarded)
        return Sweep(opened.tools, opened.owner, self._leases, folders, is_live).run()

    def _opened(self) -> _Open:
        if self._open is None:
            raise EngineError("The Docker executor is not open.")
        return self._open

    def _belongings(self, opened: _Open, job: JobSpec) -> Belongings:
        kind = KeptBelongings if self._settings.keeps_containers else Belongings
        return kind(opened.tools.engine, opened.tools.rooms, opened.disposal, self._instance, job)

    def _make_folders(self) -> None:
        for folder in (self._settings.workspaces, self._discarded):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise EngineError(f"{folder} cannot be made: {error.strerror}.", retry=False) from None

    def _job(self, job: JobSpec, opened: _Open, belongings: Belongings, folder: Path, hear_secrets: HearSecrets) -> Job:
        source = job.source
        is_ours = not isinstance(source, DirectorySource)
        checkout = source.path.absolute() if isinstance(source, DirectorySource) else folder / "checkout"
        try:
            folder.mkdir(mode=FOLDER_MODE)
            if is_ours:
                checkout.mkdir()
        except OSError as error:
            raise EngineError(f"{folder} cannot be made: {error.strerror}.") from None
        credentials = Credentials(checkout, job.key, hear_secrets)
        tools = opened.tools
        private_engine = PrivateEngine(tools.settings, tools.engine, tools.images, belongings, job)
        return Job(
            spec=job,
            tools=tools,
            belongings=belongings,
            private_engine=private_engine,
            builds=Builds(opened.workshop, job, checkout, credentials, hear_secrets, private_engine),
            credentials=credentials,
            checkout=checkout,
            admission=Admission(checkout, is_ours=is_ours),
            hear_secrets=hear_secrets,
            folder=folder,
            services={service.name: service for service in job.pipeline.services},
        )

    def _removal(self, tools: Tools, folder: Path) -> Callable[[], None]:
        """What removes the folder, which is out of the way at once."""
        left = self._discarded / folder.name
        try:
            folder.rename(left)
        except OSError as error:
            logger.warning("folder=%s is removed where it is: %s", folder, error)
            left = folder
        return functools.partial(remove_folder, tools, left)

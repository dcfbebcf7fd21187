"""Runs steps as commands of this host, for the embedded default and development where there is no Docker.

Steps share the job's checkout, HOME and /tmp, and nothing else: bubblewrap hides the rest of the host's writable
files, the service's own data and other processes, where it is installed and works. What a step leaves running in the
background ends with the step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runners.checkout import check_out
from runners.contract import (
    DirectorySource,
    HearSecrets,
    JobSpec,
    Output,
    ServiceSpec,
    StepKind,
    StepResult,
    StepSpec,
    Stop,
    attempt_of,
    forget_secrets,
)
from runners.environment import step_environment
from runners.errors import EngineError, SpecError
from runners.executors.bubblewrap import Room
from runners.executors.child import Child, end_marked
from runners.executors.config import ExecutorSettings
from runners.secret_files import lay_down, with_paths
from runners.service_variables import service_variables
from runners.trees import remove_tree
from runners.verdict import stopped_by
from runners.walls import PATH, walls_stand

logger = logging.getLogger(__name__)


class ProcessExecutor:
    """Commands on this host."""

    name = "process"
    version = ""

    def __init__(self, settings: ExecutorSettings) -> None:
        self.settings = settings
        self._use_bubblewrap = False

    def open(self) -> None:
        """Make the folders, and find out whether bubblewrap works here."""
        try:
            self.settings.workspaces.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EngineError(f"{self.settings.workspaces} cannot be written: {error.strerror}.", retry=False) from None
        self._use_bubblewrap = walls_stand()
        if not self._use_bubblewrap:
            logger.warning("steps run on this host without bubblewrap: install it, or use Docker")

    def close(self) -> None:
        """Nothing was taken."""

    @contextmanager
    def workspace(
        self, job: JobSpec, stop: Stop, on_output: Output, hear_secrets: HearSecrets = forget_secrets
    ) -> Iterator[ProcessWorkspace]:
        """A folder with the checkout, a HOME and a /tmp."""
        folder = self.settings.workspaces / job.name
        try:
            for name in ("home", "tmp"):
                (folder / name).mkdir(parents=True)
            checkout = self._check_out(job, folder, stop)
            lay_down(job, folder / "secrets")
            room = Room(
                folder=folder,
                checkout=checkout,
                hidden=self.settings.data_dir,
                wrapped=self._use_bubblewrap,
                lent=job.folders,
            )
            yield ProcessWorkspace(with_paths(job, str(folder / "secrets")), room, hear_secrets)
        except OSError as error:
            raise EngineError(f"The workspace could not be made: {error.strerror}.") from error
        finally:
            end_marked(job.name)
            _remove(folder)

    def _check_out(self, job: JobSpec, folder: Path, stop: Stop) -> Path:
        if isinstance(job.source, DirectorySource):
            return job.source.path.absolute()
        into = folder / "checkout"
        check_out(job.source, self.settings.mirrors, into, policy=self.settings.git_policy, stop=stop)
        return into

    def sweep(self, is_live: Callable[[str, int], bool]) -> int:
        """Remove the folders and the processes of attempts that are not live."""
        gone = 0
        if not self.settings.workspaces.is_dir():
            return gone
        for folder in list(self.settings.workspaces.iterdir()):
            attempt = attempt_of(folder.name)
            if attempt is not None and not is_live(*attempt):
                end_marked(folder.name)
                _remove(folder)
                gone += 1
        return gone


@dataclass(frozen=True)
class ProcessWorkspace:
    """One job's folder, and the commands run in it."""

    job: JobSpec
    room: Room
    hear_secrets: HearSecrets

    @property
    def folder(self) -> Path | None:
        """As the contract has it."""
        return self.room.checkout

    def run(self, step: StepSpec, on_output: Output, stop: Stop) -> StepResult:
        """As the contract has it."""
        if step.kind is StepKind.PUSH:
            raise SpecError("This runner has no Docker: images are built and pushed only with it.")
        service = self._service(step)
        argv = _argv(step, service)
        environment = self._environment(service, step)
        if stop.reason is not None:
            return stopped_by(stop.reason)
        return Child(argv, environment, self.room, self.job.name).run(on_output, stop)

    def _service(self, step: StepSpec) -> ServiceSpec | None:
        if not step.service:
            return None
        for service in self.job.pipeline.services:
            if service.name == step.service:
                if service.depends_on or service.add_docker:
                    raise SpecError(
                        f"Service “{service.name}” needs other containers, and this runner has no Docker:"
                        " services need Docker."
                    )
                return service
        raise SpecError(f"There is no service “{step.service}”.")

    def _environment(self, service: ServiceSpec | None, step: StepSpec) -> dict[str, str]:
        files = service_variables(self.job, service, self.room.checkout, self.hear_secrets) if service else {}
        return {
            "PATH": PATH,
            "HOME": str(self.room.folder / "home"),
            "TMPDIR": "/tmp" if self.room.wrapped else str(self.room.folder / "tmp"),  # noqa: S108 -- a folder of ours
            "LANG": "C.UTF-8",
            **step_environment(self.job, service, step, files),
        }


def _argv(step: StepSpec, service: ServiceSpec | None) -> list[str]:
    if step.script is not None:
        return ["sh", "-e", "-c", step.script]
    entrypoint = list(service.entrypoint or ()) if service else []
    command = list(step.command) if step.command is not None else list(service.command or () if service else ())
    if not entrypoint and not command:
        raise SpecError(f"“{step.name}” has nothing to run: an image's own command needs Docker.")
    # The shell finds the program, or says that there is none and ends with 127 as people know it.
    return ["sh", "-c", 'exec "$@"', "sh", *entrypoint, *command]


def _remove(folder: Path) -> None:
    # Twice, for what was written meanwhile, and for locked folders inside of locked ones.
    if not remove_tree(folder) and not remove_tree(folder):
        logger.warning("could not remove folder=%s", folder)

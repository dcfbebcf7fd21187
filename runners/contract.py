"""What the engine and its callers agree on: plain values and Protocols. Imports neither Django nor Docker.

A caller makes a `JobSpec` and hands it to `runners.engine.execute` with an `Executor` and an `Observer`:

    executor.open()                                   once a process: warm pools, sweep of orphans
    with executor.workspace(job, stop, …) as workspace:  the checkout, networks, the pipeline's container
        workspace.run(step, on_output, stop)          once a run step, from as many threads as steps run in parallel
    executor.close()                                  once: pools emptied

Leaving the workspace removes every container, network, volume and file of the job, however it is left.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from runners.reports import Reports

_ATTEMPT = re.compile(r"ci-([0-9A-Za-z-]+)-(\d+)")

StepPath = tuple[int, ...]
"""Where a step stands in its tree: (0,) is the first, (1, 0) the first child of the second."""


class StepKind(StrEnum):
    """What a step is; CodeShip's words."""

    RUN = "run"
    PUSH = "push"
    DEPLOY = "deploy"
    SERIAL = "serial"
    PARALLEL = "parallel"

    @property
    def is_group(self) -> bool:
        """Whether it holds steps, instead of being one that a workspace runs."""
        return self in {StepKind.SERIAL, StepKind.PARALLEL}


class Outcome(StrEnum):
    """How a step or a job ended."""

    PASSED = "passed"
    FAILED = "failed"  # the project's own command
    ERRORED = "errored"  # our side
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class Failure(StrEnum):
    """Why something did not pass, for machines; `reason` says it to people."""

    EXIT_CODE = "exit_code"
    OUT_OF_MEMORY = "out_of_memory"
    TIMED_OUT = "timed_out"
    SILENT = "silent"
    SPEC = "spec"  # the project asks for what cannot be
    IMAGE = "image"
    CHECKOUT = "checkout"
    ENGINE = "engine"  # dockerd gone or restarted, disk full, network
    RUNNER_LOST = "runner_lost"


class StopReason(StrEnum):
    """Why a running job is stopped from outside."""

    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    SILENT = "silent"
    LOST_LEASE = "lost_lease"  # a ghost: stop the containers, write nothing more
    DRAINED = "drained"  # the runner is shutting down; the job waits again


class Stop:
    """An order to stop, given once from any thread; the first reason wins, and callbacks run in the ordering thread."""

    def __init__(self, parent: Stop | None = None) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._callbacks: list[Callable[[StopReason], None]] = []
        self._reason: StopReason | None = None
        self._leave: Callable[[], None] = lambda: None
        if parent is not None:
            self._leave = parent.on_order(self._follow)

    @property
    def reason(self) -> StopReason | None:
        """Why to stop, or None while nobody asked."""
        return self._reason

    def order(self, reason: StopReason) -> bool:
        """Ask to stop. False where somebody asked before."""
        with self._lock:
            if self._reason is not None:
                return False
            self._reason = reason
            callbacks = list(self._callbacks)
            self._event.set()
        for callback in callbacks:
            callback(reason)
        return True

    def _follow(self, reason: StopReason) -> None:
        self.order(reason)

    def on_order(self, callback: Callable[[StopReason], None]) -> Callable[[], None]:
        """Have `callback` called at the order (at once, if it was given already). Returns what forgets it."""
        with self._lock:
            reason = self._reason
            if reason is None:
                self._callbacks.append(callback)
        if reason is not None:
            callback(reason)

        def forget() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return forget

    def wait(self, seconds: float | None = None) -> bool:
        """Block until the order or for `seconds`; True where the order came."""
        return self._event.wait(seconds)

    def child(self) -> Stop:
        """A Stop that stops with this one, and can be ordered alone: a step's own time limit. Call `leave` when done."""
        return Stop(self)

    def leave(self) -> None:
        """Forget the parent."""
        self._leave()


@dataclass(frozen=True, kw_only=True)
class ImageBuild:
    """How a service's image is built from the checkout. Paths are relative to the checkout."""

    context: str = "."
    dockerfile: str = "Dockerfile"  # relative to the context
    args: Mapping[str, str] = field(default_factory=dict)
    encrypted_args: tuple[str, ...] = ()  # ciphertexts, each of `NAME=value` lines; they win over `args`
    encrypted_args_files: tuple[str, ...] = ()  # the same in files of the checkout; they win over both, the last wins
    tag: str = ""  # a name that other Dockerfiles may use in FROM; "" = a name of ours
    target: str = ""


class MountKind(StrEnum):
    """What a volume of a service is."""

    CHECKOUT = "checkout"  # a path of the checkout, created where missing
    NAMED = "named"  # a volume that lives as long as the job
    ANONYMOUS = "anonymous"  # a volume that lives as long as its container


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One volume of a service. `either` is CodeShip's bare name: the path where the checkout has it, else a named volume."""

    kind: MountKind
    target: str  # absolute path in the container
    source: str = ""  # a path relative to the checkout, or a volume's name
    read_only: bool = False
    either: bool = False


@dataclass(frozen=True, kw_only=True)
class Link:
    """A service that another needs running, and the further host name it is reached by ("" = its own name only)."""

    service: str
    alias: str = ""


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """How a service is asked whether it is ready; zero and () leave a thing to the image."""

    test: tuple[str, ...] = ()  # ("CMD", ...), ("CMD-SHELL", text), ("NONE",)
    interval_seconds: float = 0.0
    timeout_seconds: float = 0.0
    start_period_seconds: float = 0.0
    retries: int = 0


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """A container that a step runs in or beside. Exactly one of `image` and `build` is set."""

    name: str
    image: str = ""
    build: ImageBuild | None = None
    command: tuple[str, ...] | None = None  # when it runs as a dependency; None = the image's own
    entrypoint: tuple[str, ...] | None = None  # None = the image's own
    environment: Mapping[str, str] = field(default_factory=dict)
    encrypted_environment: tuple[str, ...] = ()  # ciphertexts of KEY=value lines; override `environment`
    env_files: tuple[str, ...] = ()  # in the checkout; each overrides what stands above, the last wins (CodeShip)
    encrypted_env_files: tuple[str, ...] = ()  # the same, encrypted with the job's `key`; override `env_files`
    mounts: tuple[Mount, ...] = ()
    volumes_from: tuple[str, ...] = ()
    depends_on: tuple[Link, ...] = ()
    working_dir: str = ""
    user: str = ""
    hostname: str = ""
    extra_hosts: tuple[str, ...] = ()
    health: HealthCheck | None = None  # None = the image's own check, or none
    add_docker: bool = False
    cached: bool = False  # its built image's layers are kept between runners, for each branch
    default_cache_branch: str = ""  # whose cache to begin with where the branch has none; "" = master, then main
    encrypted_dockercfg_path: str = (
        ""  # in the checkout: who to be at the registries of its image and of its FROM lines
    )
    dockercfg_service: str = ""  # the service whose container writes the same; the path wins over it
    refused: str = ""  # why nothing can run with it ("needs a folder of the host"): a step that needs it fails so


@dataclass(frozen=True, kw_only=True)
class PushSpec:
    """Where the image of the step's service goes. Templates are put in, and what a tag cannot have is taken out."""

    image_name: str  # [host/][owner/]name; a tag in it counts where `image_tag` is ""
    image_tag: str = ""  # "" = latest
    registry: str = ""  # as written: an address, a host; "" = that of `image_name`, or Docker Hub


@dataclass(frozen=True, kw_only=True)
class TargetSpec:
    """Where a deploy step brings the release, and how: settings as `runners.targets` checked them. Nothing secret."""

    kind: str  # one of runners.targets.KINDS: "ssh", "docker", ...
    settings: Mapping[str, Any] = field(default_factory=dict)  # plain JSON; ${NAME} stands for a variable or secret
    asks: bool = False  # do nothing but look whether this release is what runs there: the step fails where it is not


@dataclass(frozen=True, kw_only=True)
class StepSpec:
    """One step of the tree: a run step has a command or a script, a push step `push`, a deploy step `target`, a group steps.

    `command` is argv and replaces the image's CMD, the ENTRYPOINT is kept (CodeShip). `script` is shell text for
    `sh -e`. A run step names its `service`, or an `image` of its own; with neither it runs in the pipeline's container.
    A push step names the `service` whose image it sends away, built or pulled where no step did so before; without
    `push` the image stays here.
    """

    name: str
    kind: StepKind = StepKind.RUN
    service: str = ""
    image: str = ""
    command: tuple[str, ...] | None = None
    script: str | None = None
    push: PushSpec | None = None
    target: TargetSpec | None = None  # of a deploy step
    environment: Mapping[str, str] = field(default_factory=dict)
    encrypted_dockercfg_path: str = ""  # its own or its group's: they win over the service's
    dockercfg_service: str = ""
    steps: tuple[StepSpec, ...] = ()
    on_fail: tuple[StepSpec, ...] = ()  # run in order when it failed; however they end, it has failed
    is_manual: bool = False  # a group at the end of the pipeline that is left out until a person approves
    refused: str = ""  # why it can never run ("no tag is left of the branch's name"): it fails so
    timeout_seconds: int | None = None
    retries: int = 0  # how often it is run again where it fails
    allow_failure: bool = False  # what follows goes on, and the job may pass
    skip: str = ""  # why the plan leaves it out ("only for tag v*"); "" = it runs
    line: int = 0  # in the configuration file, 1-based; 0 = unknown

    @property
    def below(self) -> tuple[StepSpec, ...]:
        """Every step that stands under it, in the order in which their paths count them."""
        return self.steps + self.on_fail


@dataclass(frozen=True, kw_only=True)
class CacheSpec:
    """Paths of the checkout that are kept from build to build under a key; see `runners.cache_keys` for the key's words."""

    key: str
    paths: tuple[str, ...]
    alike: tuple[str, ...] = ()  # where there is none of that key, the newest whose key begins so, in this order


@dataclass(frozen=True, kw_only=True)
class SplitSpec:
    """Which of the files that fit are this copy's: all copies share them out by the same seconds."""

    patterns: tuple[str, ...]
    index: int = 0
    total: int = 1
    seconds: Mapping[str, float] = field(default_factory=dict)  # by file, or by class; how long each took before


@dataclass(frozen=True, kw_only=True)
class PipelineSpec:
    """What one job runs, as the plan has it: nothing of a runner, nothing secret. Stored as JSON with the build."""

    name: str
    steps: tuple[StepSpec, ...]
    services: tuple[ServiceSpec, ...] = ()
    image: str = (
        ""  # the pipeline's own container; "" = none (CodeShip), or the instance's default where a step needs one
    )
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()  # what a runner must have
    timeout_seconds: int | None = None
    artifacts: tuple[str, ...] = ()  # patterns of files of the checkout that are kept when the job ends
    caches: tuple[CacheSpec, ...] = ()
    retries: int = 0  # how often the job is tried again where its own commands fail
    attempts: int | None = None  # how often it is tried where our side breaks; None = the instance's
    allow_failure: bool = False  # the build passes though this fails
    needs: tuple[str, ...] = ()  # names of the pipelines of the build that have to pass first
    tests: tuple[str, ...] = ()  # patterns of reports in JUnit's XML that are read when the job ends
    split: SplitSpec | None = None
    id_tokens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # variables, and whom each token is for
    # What the images were when this ran before, as `StepResult.images` told: these and no others, or the step fails.
    images: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GitSource:
    """A commit of a repository, fetched into the runner's bare mirror and laid out from there."""

    url: str
    commit: str  # 40 or 64 hex digits
    ref: str  # refs/heads/main, refs/tags/v1, refs/pull/1/head
    mirror: str  # name of the mirror on this runner: the project's uuid
    private_key: str = field(default="", repr=False)  # OpenSSH text
    is_strangers: bool = False  # what is in the commit is a stranger's: the key opens this repository and nothing else


@dataclass(frozen=True)
class Unreadable:
    """A file that is there and cannot be used: a link, too large, not text. It matters only to who needs that file."""

    reason: str  # without the file's name


@dataclass(frozen=True, kw_only=True)
class DirectorySource:
    """A folder of this machine used as it is: `ciservice run` on a laptop."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class CacheScope:
    """Which caches of images a job reads, and whether it may write them: a stranger's changes may not."""

    project: str  # uuid
    branch: str
    writes: bool = False


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """One attempt at one job, complete: the engine needs nothing else."""

    job_id: str  # uuid
    epoch: int  # the fencing token; names and labels of containers carry it
    pipeline: PipelineSpec
    source: GitSource | DirectorySource
    environment: Mapping[str, str] = field(default_factory=dict)  # CI_* variables and the like: below the services' own
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # variables to set and to mask
    # Texts to mask and to lay down as files that the job's user alone reads, outside of the checkout: its variables hold
    # the paths (`runners.secret_files`).
    secret_files: Mapping[str, str] = field(default_factory=dict, repr=False)
    key: str = field(
        default="", repr=False
    )  # the project's key as codeship.aes has it; "" = there is none for this job
    overrides: Mapping[str, str] = field(default_factory=dict)  # above everything: what a person at the keyboard sets
    # Folders of this host that its operator lends to the job: there at the same path, read and write. Never from a project.
    folders: tuple[Path, ...] = ()
    cache: CacheScope | None = None  # None = nothing is kept between runners
    circle: str = ""  # jobs of one circle may be given the same room, one after another; "" = never
    is_strangers: bool = False  # a fork's changes: some things are not for it, whatever its files say
    timeout_seconds: int = 3600
    silence_seconds: int = 900
    is_approved: bool = False  # a person let its manual steps run
    target_hosts: tuple[str, ...] = ()  # where its deploy steps may go beyond the usual: the operator's list

    @property
    def name(self) -> str:
        """Unique for this attempt; containers, networks and folders begin with it."""
        return f"ci-{self.job_id}-{self.epoch}"


def attempt_of(name: str) -> tuple[str, int] | None:
    """The (job_id, epoch) whose `JobSpec.name` this is; None where it is nobody's."""
    found = _ATTEMPT.fullmatch(name)
    return (found[1], int(found[2])) if found else None


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """How one step ended."""

    outcome: Outcome
    exit_code: int | None = None
    failure: Failure | None = None
    reason: str = ""  # one sentence for people
    image_digest: str = ""
    # Every image that the job has used so far, its services' and its FROM lines' too: the name, with its tag, and the
    # digest by which a registry knows it, or the id that only its engine knows. See `built_for`.
    images: Mapping[str, str] = field(default_factory=dict)
    retry: bool = False  # our side broke, and another attempt could help


def built_for(service: str) -> str:
    """What `StepResult.images` calls the image that was built for a service: no image can have this name."""
    return f"built for {service}"


Output = Callable[[bytes], None]

HearSecrets = Callable[[Iterable[str]], None]
"""Told of values to hide, before anything that may hold them is passed on."""


def forget_secrets(_: Iterable[str]) -> None:
    """Who does not mask need not know."""


class Workspace(Protocol):
    """One attempt's private room: the checkout, a network, volumes, and the containers run in it."""

    @property
    def folder(self) -> Path | None:
        """The checkout on this machine; None where there is none."""

    def run(self, step: StepSpec, on_output: Output, stop: Stop) -> StepResult:
        """Block until the step ends, passing output on in order as it comes; callable from several threads at once.

        A failing command is a result, never an exception. `RunnerError` means our side broke, `SpecError` that the
        project asks for what cannot be. After `stop` the containers get SIGTERM, 10 s later SIGKILL (at LOST_LEASE at
        once), and the result is CANCELLED (or FAILED with TIMED_OUT / SILENT).
        """


class Depot(Protocol):
    """Keeps the files that outlive a job. Called from the job's thread; RunnerError where it cannot, and only that."""

    def needed(self) -> Iterator[tuple[str, AbstractContextManager[BinaryIO]]]:
        """The artifacts of the jobs that this one needs: their paths, and their bytes when entered."""

    def keep(self, path: str, source: BinaryIO) -> None:
        """Keep an artifact of this attempt, in the place of an earlier one of that path."""

    def restore(self, key: str, alike: Sequence[str]) -> tuple[str, AbstractContextManager[BinaryIO]] | None:
        """The cache of that key, else the newest whose key begins like one of `alike`; with its key."""

    def has(self, key: str) -> bool:
        """Whether a cache of exactly that key is kept, or may not be: then it need not be made."""

    def save(self, key: str, source: BinaryIO) -> None:
        """Keep a cache."""

    def report(self, found: Reports) -> None:
        """Keep what the tests of this attempt came to."""


class Executor(Protocol):
    """A way to run jobs on this machine. One object serves all jobs of a process; every method is thread-safe."""

    name: str
    version: str  # of the engine that it runs them on, once it is open; "" = there is none

    def open(self) -> None:
        """Get ready: check that the engine answers (`EngineError` says what to do), fill warm pools."""

    def workspace(
        self, job: JobSpec, stop: Stop, on_output: Output, hear_secrets: HearSecrets = forget_secrets
    ) -> AbstractContextManager[Workspace]:
        """Open the room; leaving the block removes everything, however it is left.

        `on_output` hears of the preparation. `hear_secrets` hears of every secret that is found on the way (what an
        encrypted file holds, what a program printed as credentials), before any output that may show it.
        """

    def sweep(self, is_live: Callable[[str, int], bool]) -> int:
        """Remove what attempts left that are not live any more: (job_id, epoch) -> bool. Returns how many objects went."""

    def close(self) -> None:
        """Give back what `open` took."""


class Observer(Protocol):
    """Who wants to know. Called from the threads of the steps; must not block for long."""

    def step_started(self, path: StepPath, step: StepSpec) -> None:
        """The step begins; its output follows."""

    def output(self, path: StepPath, data: bytes) -> None:
        """Bytes the step printed, secrets already hidden."""

    def step_finished(self, path: StepPath, step: StepSpec, result: StepResult) -> None:
        """The step ended; also called for skipped steps, which never started."""


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """How the job ended: the worst of its steps, or what broke before or between them."""

    outcome: Outcome
    failure: Failure | None = None
    reason: str = ""
    retry: bool = False
    notes: tuple[str, ...] = ()  # what became of artifacts and caches, a sentence each
    awaits_approval: bool = False  # it passed as far as it goes without a person, who has to approve the rest

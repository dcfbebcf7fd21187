"""Where builds on this machine keep their small files, and which of them still run."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ciservice import env
from ciservice.cli.local.errors import Broken
from runners.executors.config import ExecutorSettings
from runners.executors.docker.owner import is_held

DEFAULT_IMAGE = "debian:bookworm-slim"


def data_dir() -> Path:
    """CISERVICE_CACHE, else a folder of the user's caches."""
    if own := env.text("CISERVICE_CACHE"):
        return Path(own).absolute()
    caches = env.text("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "ciservice"


def executor_settings(name: str, *, keep: bool = False, pull_present: bool = False) -> ExecutorSettings:
    """An executor of this machine: no limits but the engine's own."""
    return ExecutorSettings(
        name=name,
        data_dir=data_dir(),
        default_image=env.text("DEFAULT_IMAGE", DEFAULT_IMAGE),
        docker_url=env.text("DOCKER_HOST"),
        private_engine=env.text("PRIVATE_ENGINE"),
        private_engine_image=env.text("PRIVATE_ENGINE_IMAGE", "ciservice-engine"),
        private_engine_runtime=env.text("PRIVATE_ENGINE_RUNTIME"),
        allow_local_repositories=True,
        keeps_containers=keep,
        renews_images=pull_present,
    )


@contextlib.contextmanager
def running(job_id: str) -> Iterator[None]:
    """Marks the run as live for as long as this process is: others clean up around it."""
    path = _lock(job_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Broken(f"{path} cannot be written: {error.strerror}. Set CISERVICE_CACHE to a folder that can.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def is_running(job_id: str, _epoch: int = 1) -> bool:
    """Whether the process of this run still lives."""
    return is_held(_lock(job_id))


def _lock(job_id: str) -> Path:
    return data_dir() / "runs" / f"{job_id}.lock"

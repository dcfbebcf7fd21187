"""Ways to run a job on this machine."""

from __future__ import annotations

import importlib

from runners.contract import Executor
from runners.executors.config import ExecutorSettings

# Dotted names, not imports: the Docker client costs 20 MiB that a process without Docker has no use for.
_EXECUTORS = {
    "docker": ("runners.executors.docker.executor", "DockerExecutor"),
    "process": ("runners.executors.process", "ProcessExecutor"),
    "fake": ("runners.executors.fake", "FakeExecutor"),
}


def make_executor(settings: ExecutorSettings) -> Executor:
    """The executor that `settings.name` names; ValueError for a name that nobody knows."""
    if settings.name not in _EXECUTORS:
        raise ValueError(f"no executor is called {settings.name!r}: use {', '.join(sorted(_EXECUTORS))}")
    module, name = _EXECUTORS[settings.name]
    executor: Executor = getattr(importlib.import_module(module), name)(settings)
    return executor

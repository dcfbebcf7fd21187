"""The forms in which a host may allow a Docker engine in a container, and what each asks of it: docs/add-docker.md."""

from __future__ import annotations

from typing import Any

from runners.errors import SpecError
from runners.executors.config import ExecutorSettings
from runners.executors.docker.hardening import Bind, Volume, host_config

ROOTLESS, PRIVILEGED, RUNTIME = "rootless", "privileged", "runtime"

_DOCUMENT = "docs/add-docker.md says what the host has to allow"

# A namespace of users is only of use to who may call mount and pivot_root in it, and may mount a whole /proc.
_ROOTLESS = {
    "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
    "MaskedPaths": [],
    "ReadonlyPaths": [],
    "Devices": [{"PathOnHost": "/dev/net/tun", "PathInContainer": "/dev/net/tun", "CgroupPermissions": "rwm"}],
}
_AS_THE_ENGINE_DOES: dict[str, Any] = {"CapDrop": [], "CapAdd": [], "SecurityOpt": []}


def check(settings: ExecutorSettings, service: str, *, is_strangers: bool) -> None:
    """SpecError, naming the setting, where this runner gives the job no engine of its own."""
    form = settings.private_engine
    if not form:
        raise SpecError(
            f"The service {service} has `add_docker: true`, and this runner gives jobs no Docker engine of their own:"
            f" its operator has to set PRIVATE_ENGINE. {_DOCUMENT}."
        )
    if form not in {ROOTLESS, PRIVILEGED, RUNTIME}:
        raise SpecError(
            f"PRIVATE_ENGINE={form!r} is not known: use {ROOTLESS}, {RUNTIME} or {PRIVILEGED}. {_DOCUMENT}."
        )
    if form == PRIVILEGED and is_strangers and not settings.private_engine_for_forks:
        raise SpecError(
            f"The service {service} has `add_docker: true`: here that takes a privileged container, which changes from"
            f" a fork do not get unless the operator sets PRIVATE_ENGINE_FOR_FORKS. {_DOCUMENT}."
        )


def engine_host_config(settings: ExecutorSettings, network_mode: str, mounts: tuple[Bind | Volume, ...]) -> Any:
    """The HostConfig of the container that the engine runs in; its limits are those of every container."""
    config = host_config(settings, network_mode, mounts)
    if settings.private_engine == PRIVILEGED:
        return config | _AS_THE_ENGINE_DOES | {"Privileged": True}
    if settings.private_engine == RUNTIME:
        return config | _AS_THE_ENGINE_DOES | {"Runtime": settings.private_engine_runtime}
    return config | _ROOTLESS


def client(settings: ExecutorSettings) -> tuple[str, ...]:
    """The client in the engine's container: as its user where root there could do more, since the answers may be hostile."""
    dropped = ("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all", "env", "HOME=/tmp")
    quiet = ("sh", "-c", 'exec "$@" 2>/dev/null', "sh")  # its answer alone
    return (*quiet, *(dropped if settings.private_engine == ROOTLESS else ()), "docker")


def not_allowed(settings: ExecutorSettings, sentence: str) -> SpecError:
    """What to raise where the host's engine, or the private one, says that it cannot be."""
    return SpecError(
        f"The job's own Docker engine (PRIVATE_ENGINE={settings.private_engine}) could not be started on this runner:"
        f" {sentence}. {_DOCUMENT}."
    )

"""Turns the volumes that a project asks for into mounts, and proves that none of them leaves the checkout.

What it does not cover: a step that swaps a folder of the checkout for a symbolic link in the moment between this
proof and the engine's mount, while another step of the same job starts (the engine takes paths, not open folders).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from runners.contract import Mount, MountKind, ServiceSpec
from runners.errors import SpecError
from runners.executors.docker.hardening import Bind, Volume

WORKSPACE = "/workspace"


def inside(checkout: Path, relative: str) -> Path:
    """The real path of what `relative` names in the checkout; SpecError where it, or a link on the way, leads out."""
    if "\0" in relative:
        raise SpecError("a path cannot contain a NUL character")
    root = os.path.realpath(checkout)
    if PurePosixPath(relative).is_absolute():
        raise SpecError(f"{relative}: only paths inside the repository can be used on this runner")
    real = os.path.realpath(os.path.join(root, relative))
    if os.path.commonpath((root, real)) != root:
        raise SpecError(f"{relative}: leads out of the repository")
    return Path(real)


def checkout_bind(checkout: Path) -> Bind:
    """The checkout where steps of `ciservice.yml` expect it."""
    return Bind(source=os.path.realpath(checkout), target=WORKSPACE)


def lent(folders: tuple[Path, ...]) -> tuple[Bind, ...]:
    """Folders of the host that its operator lends, at the same path inside: never a project's wish."""
    return tuple(Bind(source=os.path.realpath(folder), target=str(folder)) for folder in folders)


def service_mounts(
    service: ServiceSpec, checkout: Path, named_volume: Callable[[str], str]
) -> tuple[Bind | Volume, ...]:
    """The mounts of a service, in its order; `named_volume` makes the job's volume of that name and says its real one."""
    return tuple(_mount(mount, checkout, named_volume) for mount in service.mounts)


def _mount(mount: Mount, checkout: Path, named_volume: Callable[[str], str]) -> Bind | Volume:
    if mount.kind is MountKind.ANONYMOUS:
        return Volume(name="", target=mount.target, read_only=mount.read_only)
    if mount.kind is MountKind.CHECKOUT or (mount.either and inside(checkout, mount.source).exists()):
        return Bind(source=str(_made(checkout, mount.source)), target=mount.target, read_only=mount.read_only)
    return Volume(name=named_volume(mount.source), target=mount.target, read_only=mount.read_only)


def _made(checkout: Path, relative: str) -> Path:
    path = inside(checkout, relative)
    try:
        if not path.exists():
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpecError(f"{relative}: cannot be made in the repository ({error.strerror})") from None
    return inside(checkout, relative)

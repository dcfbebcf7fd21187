"""The sandbox of the process executor: what of this host a step sees and may write."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runners.walls import PATH, walls

MARK = "CISERVICE_ATTEMPT"  # in the environment of every process of a job: how those that fled are found


@dataclass(frozen=True, kw_only=True)
class Room:
    """What of this host a step may write, and what it must not see."""

    folder: Path  # of the attempt: home, tmp, checkout
    checkout: Path  # where commands run; inside `folder`, or a folder of the user's own
    hidden: Path  # the service's data: database, keys, other jobs
    wrapped: bool
    lent: tuple[Path, ...] = ()  # folders of the host that may be written, too


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What to give to the operating system."""

    argv: list[str]
    environment: dict[str, str]
    handles: tuple[int, ...] = ()  # file descriptors it needs


@contextmanager
def sandboxed(argv: list[str], environment: Mapping[str, str], room: Room) -> Iterator[Launch]:
    """How to start `argv` in the room.

    bubblewrap itself gets none of the step's variables: LD_PRELOAD would reach it before its walls stand. They come by
    a file of their own, since anybody on the host can read a command line. What bubblewrap itself has to say stays on
    standard error, and the command's goes to its standard output: so nothing that a step prints is taken for the other.
    """
    if not room.wrapped:
        yield Launch(argv=argv, environment=dict(environment))
        return
    words = [*_sandbox(room), "--clearenv"]
    for name, value in environment.items():
        words += ["--setenv", name, value]
    handle = os.memfd_create("sandbox")
    try:
        with open(handle, "wb", closefd=False) as file:
            file.write(b"\0".join(os.fsencode(word) for word in words) + b"\0")
        os.lseek(handle, 0, os.SEEK_SET)
        yield Launch(
            argv=["bwrap", "--args", str(handle), "--", "sh", "-c", 'exec "$@" 2>&1', "sh", *argv],
            environment={"PATH": PATH, MARK: environment[MARK]},
            handles=(handle,),
        )
    finally:
        os.close(handle)


def _sandbox(room: Room) -> list[str]:
    folder, checkout = str(room.folder), str(room.checkout)
    return [
        *walls(),
        # In this order: the data folder may lie below /tmp or HOME, and a checkout anywhere.
        *("--bind", f"{folder}/tmp", "/tmp"),  # noqa: S108 -- a folder of the attempt
        *("--tmpfs", str(room.hidden), "--bind", folder, folder),
        *(() if room.checkout.is_relative_to(room.folder) else ("--bind", checkout, checkout)),
        *(word for path in room.lent for word in ("--bind", str(path), str(path))),
        *("--chdir", checkout),
    ]

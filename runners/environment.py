"""The environment variables a step sees: one pure function that every executor uses."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from runners.contract import JobSpec, ServiceSpec, StepSpec
from runners.errors import SpecError
from runners.trees import opened_beneath

MOST_FILE_BYTES = 1024 * 1024

# The checkout belongs to the runner's user, a container often runs as another: git would refuse to read it.
_GIT_TRUSTS_THE_CHECKOUT = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}


def step_environment(
    job: JobSpec,
    service: ServiceSpec | None,
    step: StepSpec | None,
    files: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The layers, later ones win: the job's own, its secrets, the pipeline's, the service's, its `files`, the step's, overrides.

    `files` is what the service's env_files and encrypted texts say (`service_variables`). A service that only runs beside a step has
    `step` None; a step without a service has `service` None. SpecError for a variable that no process can be given.
    """
    merged = {
        **_GIT_TRUSTS_THE_CHECKOUT,
        **job.environment,
        **job.secrets,
        **job.pipeline.environment,
        **(service.environment if service else {}),
        **(files or {}),
        **(step.environment if step else {}),
        **job.overrides,
    }
    for name, value in merged.items():
        if not name or "=" in name or "\0" in name + value:
            raise SpecError(
                f"The environment variable {name!r} cannot be set: a name has no “=”, and no NUL is allowed."
            )
    return merged


def parse_env_file(text: str) -> dict[str, str]:
    """KEY=value lines as `docker --env-file` reads them: quotes are kept, `#` begins a comment line, the last wins."""
    found = {}
    for line in text.split("\n"):
        name, equals, value = line.removesuffix("\r").lstrip().partition("=")
        if equals and name and not name.startswith("#"):
            found[name.strip()] = value
    return found


def read_env_files(checkout: Path, names: Iterable[str]) -> dict[str, str]:
    """What the files say together, the last wins. SpecError where one is absent, too large, or not of the checkout."""
    merged: dict[str, str] = {}
    for name in names:
        merged.update(parse_env_file(read_checkout_file(checkout, name)))
    return merged


def read_checkout_file(checkout: Path, name: str) -> str:
    """The text of a file in the checkout, which a step may have changed: no symbolic link is followed."""
    parts = PurePosixPath(name).parts
    if not parts or PurePosixPath(name).is_absolute() or ".." in parts:
        raise SpecError(f"{name}: give a path inside the repository")
    root = os.open(checkout, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # the operator's, and may be a link
    try:
        with opened_beneath(root, parts[:-1]) as folder:
            return _read_regular(parts[-1], folder, name)
    except OSError as error:
        raise SpecError(f"{name}: cannot be read from the repository ({error.strerror})") from None


def _read_regular(leaf: str, folder: int, name: str) -> str:
    # Non-blocking, so that a named pipe in the file's place holds nobody up.
    handle = os.open(leaf, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MOST_FILE_BYTES:
            raise SpecError(f"{name}: must be a file of at most {MOST_FILE_BYTES // 1024} KiB")
        try:
            return file.read(MOST_FILE_BYTES).decode()
        except UnicodeDecodeError:
            raise SpecError(f"{name}: holds characters that are not UTF-8") from None

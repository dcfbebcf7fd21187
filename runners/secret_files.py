"""Secrets that are files: laid down outside of the checkout for the job's own user, and their variables hold the paths.

Neither the engine's description of a container nor any process' environment has a text, and no artifact, cache or
image does. Whatever removes the job's folder or container removes them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from runners.contract import JobSpec


def with_paths(job: JobSpec, folder: str) -> JobSpec:
    """The job with a variable for each of its secret files: the path below `folder`, as its steps see it."""
    if not job.secret_files:
        return job
    return replace(job, secrets={**job.secrets, **{name: f"{folder}/{name}" for name in job.secret_files}})


def with_texts(job: JobSpec) -> JobSpec:
    """The job with the texts themselves as variables: for what fills them into the settings of a target."""
    return replace(job, secrets={**job.secrets, **job.secret_files})


def lay_down(job: JobSpec, folder: Path) -> None:
    """Write the files into a folder of this machine that is there for nobody else. OSError."""
    if not job.secret_files:
        return
    folder.mkdir(mode=0o700)
    for name, text in job.secret_files.items():
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode(errors="surrogateescape"))

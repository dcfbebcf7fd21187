"""Builds an image with the engine's BuildKit, through a `docker` program of this machine that speaks to it.

Its RUN lines are walled in less than the classic builder's: they share the engine's default bridge with each other,
and the engine gives them no limit of memory (docs/decisions/0007-two-builders.md).
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from runners.contract import Stop
from runners.errors import EngineError, ImageError, SpecError
from runners.executors.docker.hardening import SHARED_MEMORY_BYTES
from runners.executors.docker.output import StepOutput
from runners.executors.docker.recipes import Recipe

logger = logging.getLogger(__name__)

PROBE_SECONDS = 10
GRACE_SECONDS = 10
MOST_LINE_BYTES = 16 * 1024
_LAST_WITHOUT_BUILDX = 22  # from 23 on the program needs its plug-in
_NOISE = re.compile(rb"^#\d+ sha256:[0-9a-f]{64}\s*$")
_PROGRESS = re.compile(r"#|-|\s|=")  # how the lines begin that are not the program's last words
# What a program or its C library obeys: a secret argument of such a name would steer a program of this host.
_STEERS = re.compile(
    r"(?:LD_|GO|GLIBC_|MALLOC_|GCONV|LOC|LC_|LANG|NLS|NSS|RES_|HOSTALIASES|TZ|TMP|DOCKER|BUILD(?:KIT|X)_|SSL_|OTEL_|XDG_|GRPC_|"
    r"PATH$|HOME$|.*PROXY$).*",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@functools.cache
def find_client() -> str:
    """The path of a `docker` program that can use BuildKit; "" where there is none."""
    for folder in os.get_exec_path():
        path = shutil.which("docker", path=folder)
        if path is not None and _speaks_buildkit(path):
            return path
    return ""


def _speaks_buildkit(path: str) -> bool:
    with tempfile.TemporaryDirectory() as home:
        environment = {"DOCKER_CONFIG": home, "HOME": home, "PATH": os.defpath}
        for words in (["buildx", "version"], ["--version"]):
            try:
                told = subprocess.run(
                    [path, *words], env=environment, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
                )
            except (OSError, subprocess.SubprocessError):
                return False
            if words[0] == "buildx" and told.returncode == 0:
                return True
    found = re.search(r"version (\d+)\.", told.stdout)
    return found is not None and 18 < int(found[1]) <= _LAST_WITHOUT_BUILDX


@dataclass(frozen=True)
class BuildKit:
    """One engine's."""

    client: str
    docker_url: str
    name = "buildkit"
    takes_ids = False

    def build(self, recipe: Recipe, context: BinaryIO, output: StepOutput, stop: Stop) -> str:
        """The id of the image. StepFailed, ImageError, EngineError; SpecError for an argument that cannot be passed."""
        with tempfile.TemporaryDirectory(prefix="ciservice-build-") as home:
            told_id = Path(home) / "image"
            environment = {
                **_checked(recipe.secret_args),
                "DOCKER_BUILDKIT": "1",
                "DOCKER_CONFIG": home,
                "DOCKER_HOST": self.docker_url,
                "HOME": home,
                "PATH": os.defpath,
            }
            argv = [self.client, *_words(recipe, told_id)]
            code, sentence = _run(argv, environment, context, recipe, output, stop)
            if code == 0 and told_id.exists():
                return told_id.read_text().strip()
        if stop.reason is not None:
            raise ImageError(f"The build of the image of service {recipe.service} was broken off.")
        raise recipe.failed(sentence or f"the docker program ended with code {code}")


def _words(recipe: Recipe, told_id: Path) -> Iterator[str]:
    yield from ("build", "--progress=plain", f"--iidfile={told_id}", f"--file={recipe.dockerfile}")
    yield f"--shm-size={SHARED_MEMORY_BYTES}"
    if recipe.target:
        yield f"--target={recipe.target}"
    for name, value in recipe.labels.items():
        yield f"--label={name}={value}"
    for name, value in recipe.args.items():
        if name not in recipe.secret_args:
            yield f"--build-arg={name}={value}"
    for name in recipe.secret_args:
        yield f"--build-arg={name}"  # its value comes from the environment, which only this user can read
    if recipe.is_cached:
        yield "--build-arg=BUILDKIT_INLINE_CACHE=1"
    for image in recipe.cache_from:
        yield f"--cache-from={image}"
    yield "-"


def _checked(secrets: Mapping[str, str]) -> dict[str, str]:
    for name in secrets:
        if not _NAME.fullmatch(name) or _STEERS.fullmatch(name):
            raise SpecError(f"The encrypted build argument {name!r} cannot have this name with BuildKit: rename it.")
    return dict(secrets)


def _run(
    argv: list[str], environment: dict[str, str], context: BinaryIO, recipe: Recipe, output: StepOutput, stop: Stop
) -> tuple[int, str]:
    """The exit code, and the sentence that says why it is not 0."""
    sentence = ""
    try:
        process = subprocess.Popen(
            argv,
            env=environment,
            stdin=context,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError(f"{argv[0]} cannot be run: {error.strerror}.") from error
    with process, _ending(process, stop):
        for line in iter(functools.partial(process.stdout.readline, MOST_LINE_BYTES), b""):  # type: ignore[union-attr]
            if _NOISE.match(line):
                continue
            text = recipe.in_their_words(line.decode(errors="surrogateescape"))
            if text.strip() and not _PROGRESS.match(text):
                sentence = text.strip()
            output.write(text.encode(errors="surrogateescape"))
    return process.returncode, sentence


@contextlib.contextmanager
def _ending(process: subprocess.Popen[bytes], stop: Stop) -> Iterator[None]:
    """Ends the program at the order to stop, gently first; the engine ends its build with it."""
    timers: list[threading.Timer] = []

    def end(_: object) -> None:
        process.terminate()
        timers.append(threading.Timer(GRACE_SECONDS, process.kill))
        timers[-1].start()

    forget = stop.on_order(end)
    try:
        yield
        process.wait()
    finally:
        forget()
        for timer in timers:
            timer.cancel()
            timer.join()
        if process.poll() is None:
            process.kill()

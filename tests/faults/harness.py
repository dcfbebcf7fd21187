"""Real processes of the service on the test's database, with leases of four seconds, to be killed, frozen and cut off."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from builds.models import Build, Job
from builds.states import FINAL
from tests import servers

ROOT = Path(__file__).resolve().parents[2]
# What the judge of a fault waits for at most: a lease, a reaper's round, a pause, on a busy machine.
SECONDS = 60


def database_url() -> str:
    """The address of the database that this test uses, for a process of its own."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    host, user, port = (quote(str(database[part]), safe="") for part in ("HOST", "USER", "PORT"))
    return f"postgres://{user}@{host}{':' + port if port else ''}/{database['NAME']}"


def answers(port: int) -> bool:
    """Whether somebody takes calls at this port of the machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """One process of the service; its output is in `log`."""

    def __init__(self, call: str, environment: dict[str, str], log: Path, before: Sequence[str] = ()) -> None:
        self.log = log
        self._out = log.open("ab")
        self._process = subprocess.Popen(
            [*before, sys.executable, "-c", f"from ciservice import processes; processes.{call}"],
            cwd=ROOT,
            env=environment,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: int) -> None:
        """A signal to the process alone."""
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """As a power cut: no handler runs."""
        self.send(signal.SIGKILL)
        self._process.wait(10)

    def terminate(self) -> None:
        """As whoever deploys a new version does."""
        self.send(signal.SIGTERM)

    def kill_group(self) -> None:
        """The process with all that it started."""
        os.killpg(self._process.pid, signal.SIGKILL)

    def has_ended(self, seconds: float) -> bool:
        """Whether it ends within this time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait(self, seconds: float = 30) -> int:
        """The exit code."""
        return self._process.wait(seconds)

    def end(self) -> None:
        """Whatever state it is in."""
        if self.is_alive:
            self.send(signal.SIGCONT)
            self.send(signal.SIGKILL)
            self._process.wait(10)
        self._out.close()


class House:
    """Starts processes that share a data folder, a Redis of their own and the test's database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[Process] = []
        self.settings: dict[str, str] = {}  # beside those below, for every process that starts from now on
        self.redis = servers.Redis()
        self.redis.start()

    @property
    def broker(self) -> str:
        """The address for Celery."""
        return self.redis.url.replace("unix://", "redis+socket://", 1)

    def environment(self, **more: str) -> dict[str, str]:
        """What `ciservice/settings.py` reads."""
        secrets = {name: os.environ[name] for name in ("SECRET_KEY", "SEALING_KEY")}
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            **secrets,
            "DJANGO_SETTINGS_MODULE": "ciservice.settings",
            "CISERVICE_MODE": "embedded",
            "DATABASE_URL": database_url(),
            "REDIS_URL": self.redis.url,
            "DATA_DIR": str(self._folder / "data"),
            "PUBLIC_URL": "http://testserver",
            "EXECUTOR": "fake",
            "LEASE_SECONDS": "4",
            "RUNNER_POLL_SECONDS": "1",
            "RUNNER_CAPACITY": "4",
            "DRAIN_SECONDS": "20",
            "LOG_LEVEL": "INFO",
            **self.settings,
            **more,
        }

    def runner(self, name: str = "runner-a", *, before: Sequence[str] = (), **more: str) -> Process:
        """A runner; it takes jobs as soon as it is up. Its command begins with `before`."""
        return self._start("runner()", name, before, RUNNER_NAME=name, **more)

    def worker(self, name: str = "worker", **more: str) -> Process:
        """A worker: plans, sweeps, the outbox."""
        return self._start("worker(threads=2)", name, **more)

    def beat(self) -> Process:
        """The clock."""
        return self._start("beat()", "beat")

    def web(self, port: int, name: str = "web", **more: str) -> Process:
        """A web server with one worker process on the port of this machine, which answers when this returns."""
        process = self._start(f"web(bind='127.0.0.1:{port}', workers=1)", name, **more)
        servers.wait_until(lambda: answers(port), what=f"a web server at port {port}")
        return process

    def _start(self, call: str, name: str, before: Sequence[str] = (), **more: str) -> Process:
        process = Process(call, self.environment(**more), self._folder / f"{name}.log", before)
        self._processes.append(process)
        return process

    def end_processes(self) -> None:
        """End all but Redis."""
        for process in self._processes:
            process.end()

    def close(self) -> None:
        """End everything."""
        self.end_processes()
        self.redis.remove()

    def logs(self) -> str:
        """What the processes said, for a test that fails."""
        return "\n".join(f"--- {path.name}\n{path.read_text()}" for path in sorted(self._folder.glob("*.log")))


def until_ended(build: Build, *, seconds: float = SECONDS) -> Build:
    """The build, as it ended."""

    def ended() -> bool:
        build.refresh_from_db()
        return build.status in FINAL

    servers.wait_until(ended, seconds=seconds, what=f"{build} to end")
    return build


def until(job: Job, *, seconds: float = SECONDS, **fields: object) -> Job:
    """The job, as soon as its row has these values."""

    def is_so() -> bool:
        job.refresh_from_db()
        return all(getattr(job, name) == value for name, value in fields.items())

    servers.wait_until(is_so, seconds=seconds, what=f"{fields}")
    return job


def until_printing(job: Job, *, seconds: float = SECONDS) -> None:
    """Return once a step of the present attempt runs."""

    def is_so() -> bool:
        job.refresh_from_db()
        return job.steps.filter(attempt=job.attempt, status="running").exists()

    servers.wait_until(is_so, seconds=seconds, what="a running step")

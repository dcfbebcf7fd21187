"""The instance that grows: PostgreSQL that counts statements, one runner, steps that a script stands for, and pushes by webhook.

Steps do nothing here: what they cost is theirs, and the same whatever grows. Everything else is what production runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from benchmarks.growth.viewers import Viewers
from benchmarks.processes import cpu_seconds
from benchmarks.soak.house import House
from tests.servers import Postgres

FIXTURES = "benchmarks.growth.fixtures"
REST_SECONDS = 15.0  # the clock's own work comes every 10 or 15 s
LONGEST_SECONDS = 60.0
SETTLING_SECONDS = 120.0
SETTLED_CPU = 0.12  # of a core
FILES = {"ciservice.yml": "pipelines:\n  test:\n    steps:\n      - run: print hello\n"}
LONG = {"ciservice.yml": "pipelines:\n  test:\n    steps:\n      - run: sleep 900\n"}
_MARK = "/* growth */"


class CountingPostgres(Postgres):
    """Counts statements."""

    def start(self) -> None:
        """With pg_stat_statements, and what is committed on the disk."""
        options = f"-k {self.dir} -c listen_addresses='' -c max_connections=200 -c shared_preload_libraries=pg_stat_statements"
        self._run("pg_ctl", "-D", str(self.dir / "data"), "-o", options, "-l", str(self.dir / "log"), "-w", "start")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one build: CPU of our processes, statements, and from the push to the end (all of them), at rest taken off."""

    cpu_ms: float
    statements: float
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Seconds from push to finished."""
        return statistics.median(self.seconds)


class Bench:
    """`start`, then `cost` as often as wanted; `grow` it between."""

    def __init__(self, folder: Path, **settings: str) -> None:
        folder.mkdir()
        self._folder = folder
        given = {"EXECUTOR": "fake", "RUNNERS": "1", "LEASE_SECONDS": "60", "MIN_FREE_DISK_MB": "1", **settings}
        postgres = CountingPostgres()
        self.house = House(folder, folder / "data", form="hosted", docker=False, settings=given, postgres=postgres)
        self._number = 0

    def start(self) -> None:
        """Bring it up with one project."""
        self.house.start()
        assert self.house.postgres is not None
        self._database = psycopg2.connect(self.house.postgres.url)
        self._database.autocommit = True
        self._ask("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        bare = self._folder / "repository.git"
        self._clone = self._folder / "clone"
        _git(self._folder, "init", "-q", "--bare", "-b", "main", str(bare))
        _git(self._folder, "clone", "-q", str(bare), str(self._clone))
        for name, value in {"user.name": "Ada", "user.email": "ada@example.com"}.items():
            _git(self._clone, "config", name, value)
        _, made = self.house.api("/projects", {"name": "growth", "repository_url": str(bare)})
        self.project, self._secret = made["project"]["uuid"], made["project"]["hook_secret"]

    def stop(self) -> None:
        """End everything."""
        with contextlib.suppress(AttributeError):
            self._database.close()
        self.house.stop()
        self.house.close()

    def fill(self, function: str, **values: object) -> object:
        """Call a function of the fixtures."""
        return self.house.call(function, of=FIXTURES, **values)

    def push(self, files: dict[str, str]) -> str:
        """Commit, push and tell of it; the build's uuid."""
        self._number += 1
        for name, text in files.items():
            (self._clone / name).write_text(text)
        _git(self._clone, "add", "-A")
        _git(self._clone, "commit", "-q", "--allow-empty", "-m", f"Measure {self._number}")
        _git(self._clone, "push", "-q", "origin", "HEAD:main")
        commit = _git(self._clone, "rev-parse", "HEAD")
        body = json.dumps({"ref": "refs/heads/main", "after": commit, "pusher": "ada"}).encode()
        signature = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Ciservice-Signature": f"sha256={signature}", "Content-Type": "application/json"}
        status, answer = self.house.post(f"/hooks/generic/{self.project}", body, headers)
        assert status == 202, (status, answer)
        return commit

    def cost(self, builds: int, *, rest: float = REST_SECONDS) -> Cost:
        """Of so many builds one after another, the first three apart, which warm everything."""
        for _ in range(3):
            self._until_passed(self.push(FILES))
        self._settle()
        idle = self._used_in(lambda: time.sleep(rest))
        seconds: list[float] = []
        used = self._used_in(lambda: seconds.extend(self._push_and_wait() for _ in range(builds)))
        share = used[2] / idle[2]
        return Cost(
            cpu_ms=max(used[0] - idle[0] * share, 0.0) / builds * 1000,
            statements=max(used[1] - idle[1] * share, 0.0) / builds,
            seconds=tuple(seconds),
        )

    def rate(self, builds: int, files: dict[str, str]) -> float:
        """Builds a second when so many are pushed at once, from the first push to the last end."""
        self._until_passed(self.push(files))
        began = time.perf_counter()
        commits = [self.push(files) for _ in range(builds)]
        for commit in commits:
            self._until_passed(commit)
        return builds / (time.perf_counter() - began)

    def waiting(self) -> int:
        """How many jobs wait now."""
        return int(str(self._ask(f"SELECT {_MARK} count(*) FROM builds_job WHERE status = 'queued'")))

    @contextlib.contextmanager
    def watched(self, viewers: int) -> Iterator[None]:
        """So many clients follow a build of the same project that runs all the time."""
        if not viewers:
            yield
            return
        commit = self.push(LONG)
        uuid = ""
        while not uuid:
            uuid = str(self._ask(f"SELECT {_MARK} uuid FROM builds_build WHERE commit = %s", commit) or "")
        path = f"/v2/organizations/{self.house.organization}/projects/{self.project}/builds/{uuid}"
        with Viewers(self.house.port, f"{path}/events", self.house.token, viewers):
            yield
        self.house.post(f"{path}/stop", b"{}", {"Content-Type": "application/json"})
        self._until_ended(commit)

    def _push_and_wait(self) -> float:
        began = time.perf_counter()
        self._until_passed(self.push(FILES))
        return time.perf_counter() - began

    def _settle(self) -> None:
        """Until our processes have nothing to do: after many rows came, or many clients."""
        end = time.monotonic() + SETTLING_SECONDS
        quiet = 0
        while quiet < 3:
            assert time.monotonic() < end, f"the service does not come to rest; see {self.house.log}"
            cpu, _, seconds = self._used_in(lambda: time.sleep(1))
            quiet = quiet + 1 if cpu / seconds <= SETTLED_CPU else 0

    def _until_passed(self, commit: str) -> None:
        self._until_ended(commit)
        state = self._ask(f"SELECT {_MARK} status FROM builds_build WHERE commit = %s", commit)
        assert state == "passed", f"the build of {commit} {state}; see {self.house.log}"

    def _until_ended(self, commit: str) -> None:
        query = f"SELECT {_MARK} finished_at FROM builds_build WHERE commit = %s"
        end = time.monotonic() + LONGEST_SECONDS
        while self._ask(query, commit) is None:
            assert time.monotonic() < end, f"the build of {commit} does not end; see {self.house.log}"
            time.sleep(0.01)

    def _used_in(self, work) -> tuple[float, float, float]:
        """CPU seconds of our processes, statements, and seconds of the clock."""
        assert self.house.supervisor is not None
        pid = self.house.supervisor.pid
        began, cpu, statements = time.perf_counter(), cpu_seconds(pid), self._statements()
        work()
        return cpu_seconds(pid) - cpu, self._statements() - statements, time.perf_counter() - began

    def _statements(self) -> float:
        query = f"SELECT {_MARK} sum(calls) FROM pg_stat_statements WHERE query NOT LIKE %s"
        return float(str(self._ask(query, "%growth%") or 0))

    def _ask(self, query: str, *values: object) -> object:
        with self._database.cursor() as cursor:
            cursor.execute(query, values)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()

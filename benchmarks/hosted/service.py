"""PostgreSQL, Redis and `ciservice web` with two workers, private to one run."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psycopg2

from benchmarks.machine import ROOT
from tests.live.instance import free_port
from tests.servers import Postgres, Redis, wait_until

CISERVICE = str(Path(sys.executable).parent / "ciservice")
WORKERS = 2


class DurablePostgres(Postgres):
    """As it comes from Debian: what is committed is on the disk."""

    def start(self) -> None:
        """Start it with the defaults of PostgreSQL."""
        options = f"-k {self.dir} -c listen_addresses='' -c max_connections=200"
        self._run("pg_ctl", "-D", str(self.dir / "data"), "-o", options, "-l", str(self.dir / "log"), "-w", "start")


class Service:
    """`start`, `call` a function of benchmarks.hosted.fixtures, `count` rows, `stop`."""

    def __init__(self, folder: Path) -> None:
        self._ends = contextlib.ExitStack()
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment: dict[str, str] = {}

    def start(self) -> None:
        """Bring everything up on an empty database."""
        self.folder.mkdir()
        postgres, redis = DurablePostgres(), Redis()
        for server in (postgres, redis):
            self._ends.callback(server.remove)
            server.start()
        self._database = postgres.url
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            **{name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "SEALING_KEY")},
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "DATA_DIR": str(self.folder),
            "PUBLIC_URL": self.url,
            "WEBHOOKS_A_MINUTE": "0",
        }
        self._manage("migrate", "-v", "0")
        self._manage("collectstatic", "-v", "0", "--no-input")
        self._start_web()

    def stop(self) -> None:
        """End everything."""
        self._ends.close()

    def call(self, function: str, **values: object) -> dict[str, Any]:
        """What a function of benchmarks.hosted.fixtures returned, run in a process of its own with our settings."""
        code = (
            f"import json; from benchmarks.hosted import fixtures; print(json.dumps(fixtures.{function}(**{values!r})))"
        )
        return json.loads(self._manage("shell", "-v", "0", "-c", code).splitlines()[-1])

    def said(self) -> str:
        """The end of what the web processes logged."""
        return (self.folder / "web.log").read_text(errors="replace")[-4000:]

    def count(self, query: str, *values: object) -> int:
        """A number from the database."""
        connection = psycopg2.connect(self._database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, values)
                return cursor.fetchone()[0]
        finally:
            connection.close()

    def _manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [CISERVICE, "manage", *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=900,
        )
        if done.returncode:
            raise RuntimeError(f"manage {arguments[0]}: {done.stderr[-3000:]}")
        return done.stdout

    def _start_web(self) -> None:
        log = self._ends.enter_context((self.folder / "web.log").open("wb"))
        command = [CISERVICE, "web", "--bind", f"127.0.0.1:{self.port}", "--workers", str(WORKERS)]
        process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        self._ends.callback(process.wait, 30)
        self._ends.callback(process.terminate)
        wait_until(self._answers, seconds=60, what=f"the web process; see {log.name}")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

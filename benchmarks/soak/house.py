"""The instance that is soaked, in one of two forms; each is a supervisor with the service's processes below it.

embedded: `ciservice up`, with SQLite. hosted: PostgreSQL, Redis, a web server with two workers, and three runners.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Literal

from benchmarks.machine import ROOT
from benchmarks.processes import command_line, tree
from tests.docker_images import connect, ensure_busybox
from tests.live.instance import free_port
from tests.servers import Postgres, wait_until

Form = Literal["embedded", "hosted"]
START_SECONDS = 90
STOP_SECONDS = 90
CISERVICE = str(Path(sys.executable).parent / "ciservice")
# What the titles of the processes say.
ROLES = {
    "web": "[ciservice web]",
    "worker": "[celeryd: worker",
    "beat": "[celery beat]",
    "runner": "ciservice runner",
    "redis": "redis-server",
}


class House:
    """`start`, `stop`, `pids` of a role, `cut_power`, `call` a function of benchmarks.soak.rows."""

    def __init__(
        self,
        folder: Path,
        data_dir: Path,
        *,
        form: Form,
        docker: bool,
        settings: dict[str, str] | None = None,
        postgres: Postgres | None = None,
    ) -> None:
        self.form, self.docker, self.data_dir = form, docker, data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "service.log"
        self.ledgers = folder / "deployed"
        self.supervisor: subprocess.Popen[bytes] | None = None
        self.postgres = (postgres or Postgres()) if form == "hosted" else None
        redis = data_dir / "redis.sock" if form == "embedded" else folder / "redis.sock"
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "ciservice.settings",
            "CISERVICE_MODE": "embedded",
            "DATA_DIR": str(data_dir),
            "PUBLIC_URL": self.url,
            "PORT": str(self.port),
            "REDIS_URL": f"unix://{redis}",
            "DEFAULT_IMAGE": "busybox",
            "DEPLOY_FOLDER": str(self.ledgers),
            "LEASE_SECONDS": "12",
            "DRAIN_SECONDS": "15",
            "MIN_FREE_DISK_MB": "64",
            "EXECUTOR": "docker" if docker else "process",
            **({} if docker else {"DOCKER": "no"}),
            **({"DATABASE_URL": self.postgres.url} if self.postgres else {}),
            **(settings or {}),
        }
        self._keys: dict[str, str] = {}
        self.token, self.organization = "", ""

    def start(self) -> None:
        """Start it for the first time, on an empty folder, and make whoever pushes known to it."""
        if self.postgres:
            self._keys = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "SEALING_KEY")}
            self.postgres.start()
            self._manage("migrate", "-v", "0")
            if self.docker:
                client = connect()
                ensure_busybox(client, "busybox:latest")
                client.close()
        self.switch_on()
        if not self._keys:
            self._keys = json.loads((self.data_dir / "secrets.json").read_text())
        told = self.call("person")
        self.token, self.organization = told["token"], told["organization"]

    def switch_on(self) -> None:
        """Start the supervisor, and wait for the web."""
        command = [CISERVICE, "up"] if self.form == "embedded" else [sys.executable, "-m", "benchmarks.soak.supervised"]
        with self.log.open("ab") as out:
            self.supervisor = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self._environment, **self._keys},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        wait_until(self._serves, seconds=START_SECONDS, what=f"the web; see {self.log}")

    def _serves(self) -> bool:
        assert self.supervisor is not None
        if self.supervisor.poll() is not None:
            raise RuntimeError(f"it ended with {self.supervisor.returncode}: see {self.log}")
        with contextlib.suppress(OSError):
            # The embedded form serves before it has handed over; its first push must not be overtaken by ours.
            handed_over = self.form == "hosted" or (self.data_dir / "credentials.json").exists()
            return handed_over and self.get("/healthz")[0] == 200
        return False

    def pids(self, role: str) -> list[int]:
        """The processes of one role, in the order of their numbers."""
        assert self.supervisor is not None
        return sorted(pid for pid in tree(self.supervisor.pid) if ROLES[role] in command_line(pid))

    def processes(self) -> dict[int, str]:
        """Every long-lived process of ours: its number and its role."""
        return {pid: role for role in ROLES for pid in self.pids(role)}

    def cut_power(self) -> None:
        """Everything ends at once, and no handler runs. What the kernel has is not lost."""
        assert self.supervisor is not None
        for pid in tree(self.supervisor.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.supervisor.wait(STOP_SECONDS)

    def stop(self) -> bool:
        """End it as an operator does; False where it did not end by itself."""
        if self.supervisor is None or self.supervisor.poll() is not None:
            return True
        self.supervisor.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.supervisor.wait(STOP_SECONDS)
            return True
        self.cut_power()
        return False

    def close(self) -> None:
        """End everything, whatever state it is in."""
        if self.supervisor and self.supervisor.poll() is None:
            self.cut_power()
        if self.postgres:
            self.postgres.remove()

    def get(self, path: str, *, seconds: float = 10) -> tuple[int, bytes]:
        """Status and body; OSError where nobody answers."""
        return self._ask("GET", path, None, {}, seconds)

    def post(self, path: str, body: bytes, headers: dict[str, str], *, seconds: float = 20) -> tuple[int, bytes]:
        """As `get`."""
        return self._ask("POST", path, body, headers, seconds)

    def api(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Status and JSON of a route below the organisation; with a body it is a POST."""
        path = f"/v2/organizations/{self.organization}{path}"
        headers = {"Content-Type": "application/json"}
        status, answer = (
            self.get(path) if body is None else self.post(path, json.dumps(body).encode(), headers, seconds=30)
        )
        return status, json.loads(answer) if answer.startswith((b"{", b"[")) else {}

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], seconds: float
    ) -> tuple[int, bytes]:
        if self.token and path.startswith("/v2/"):
            headers = {"Authorization": f"Bearer {self.token}", **headers}
        request = urllib.request.Request(f"{self.url}{path}", data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def call(self, function: str, *, of: str = "benchmarks.soak.rows", **values: object) -> Any:
        """What a function of the module `of` returned, run in a process of its own with the instance's settings."""
        code = f"import json; import {of} as rows; print(json.dumps(rows.{function}(**{values!r})))"
        return json.loads(self._manage("shell", "-v", "0", "-c", code).splitlines()[-1])

    def _manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [CISERVICE, "manage", *arguments],
            cwd=ROOT,
            env={**self._environment, **self._keys, "LOG_LEVEL": "WARNING"},
            capture_output=True,
            text=True,
            timeout=900,
        )
        if done.returncode:
            raise RuntimeError(f"manage {arguments[0]}: {done.stderr[-2000:]}")
        return done.stdout

    @property
    def label(self) -> str:
        """What the instance's containers, networks and volumes are labelled with."""
        name = hashlib.sha256(b"instance:" + self._keys["SECRET_KEY"].encode()).hexdigest()[:12]
        return f"ciservice.instance={name}"

    def restart_postgres(self, seconds: float) -> None:
        """Stop it as a crash would, and start it again after a while."""
        assert self.postgres is not None
        self.postgres.stop("immediate")
        time.sleep(seconds)
        self.postgres.start()

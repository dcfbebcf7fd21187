"""One real `ciservice up` in a folder of its own, and what a newcomer does with it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.servers import wait_until

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "ciservice" / "embedded" / "demo_repository"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Instance:
    """`start`, `push`, `builds`, `stop`; `pids` of everything it started."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.environment = environment
        self.process: subprocess.Popen | None = None
        self.log = data_dir.parent / f"{data_dir.name}.log"

    def start(self) -> None:
        # One that was killed could not put them aside; who waits for this run's must not find those.
        (self.data_dir / "credentials.json").unlink(missing_ok=True)
        self.launch()

    def launch(self) -> None:
        """Start the process, and wait until it serves; AssertionError where it ends before."""
        bare = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).parent / "ciservice"), "up"],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**bare, "PORT": str(self.port), "DATA_DIR": str(self.data_dir), **self.environment},
            )
        wait_until(self._serves, seconds=90, what=f"credentials.json; see {self.log}:\n{self.said()}")

    def _serves(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.said()}"
        try:
            return self.credentials["url"].endswith(f":{self.port}")
        except (OSError, ValueError):
            return False

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    @property
    def credentials(self) -> dict:
        return json.loads((self.data_dir / "credentials.json").read_text())

    @property
    def clone(self) -> Path:
        return Path(self.credentials["demo"]["clone"])

    def push(self, message: str, **files: str) -> str:
        """Commit files (`name__ext` means name.ext) and push; returns the commit. The configuration is the demo's, if none is given."""
        given = {"ciservice__yml": (DEMO / "ciservice.yml").read_text(), **files}
        for name, text in given.items():
            (self.clone / name.replace("__", ".")).write_text(text)
        for command in (["add", "-A"], ["commit", "-q", "--allow-empty", "-m", message], ["push", "-q"]):
            subprocess.run(["git", *command], cwd=self.clone, check=True, capture_output=True, timeout=60)
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.clone, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def manage(self, code: str) -> str:
        """Run a piece of Python in the instance's own settings, with Django set up; what it printed."""
        secrets = json.loads((self.data_dir / "secrets.json").read_text())
        done = subprocess.run(
            [sys.executable, "-c", f"import django; django.setup(set_prefix=False)\n{code}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={
                **os.environ,
                **secrets,
                "DJANGO_SETTINGS_MODULE": "ciservice.settings",
                "CISERVICE_MODE": "embedded",
                "DATA_DIR": str(self.data_dir),
                "DATABASE_URL": "",
                "REDIS_URL": self.redis_url,
            },
        )
        return done.stdout

    @property
    def redis_url(self) -> str:
        return f"unix://{self.data_dir}/redis.sock"

    def get(self, path: str) -> bytes:
        headers = {"Authorization": f"Bearer {self.credentials['api_token']}"}
        request = urllib.request.Request(self.credentials["url"] + path, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()

    def post(self, path: str, body: dict | None = None) -> int:
        headers = {"Authorization": f"Bearer {self.credentials['api_token']}", "Content-Type": "application/json"}
        data = json.dumps(body or {}).encode()
        request = urllib.request.Request(self.credentials["url"] + path, headers=headers, data=data, method="POST")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status

    @property
    def api(self) -> str:
        told = self.credentials
        return f"/v2/organizations/{told['organization_uuid']}/projects/{told['demo']['project_uuid']}"

    def builds(self) -> list[dict]:
        return json.loads(self.get(f"{self.api}/builds"))["builds"]

    def build_of(self, commit: str) -> dict | None:
        return next((build for build in self.builds() if build["commit_sha"] == commit), None)

    def wait_for_build(self, commit: str, state: str, seconds: float = 60) -> dict:
        def stands() -> dict | None:
            build = self.build_of(commit)
            return build if build and build["state"] == state else None

        try:
            return wait_until(stands, seconds=seconds, what=f"the build of {commit[:8]} to be {state}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.build_of(commit)}\n{self.said()[-4000:]}") from error

    def processes(self) -> dict[int, str]:
        """Everything that descends from the one we started: pid -> command line."""
        parents, commands = {}, {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                    commands[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if state != "Z":
                    parents[int(entry.name)] = int(parent)
        found = {self.process.pid} if self.process else set()
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return {pid: commands[pid] for pid in found if pid in parents}

    def runner_pid(self) -> int:
        """The runner's process, by its title; not one that delivers (`-m runners.targets`)."""
        found = self.processes().items()
        return next(pid for pid, command in found if "runner" in command and "runners.targets" not in command)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)

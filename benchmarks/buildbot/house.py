"""A Buildbot of our own: a master and a worker in a virtual environment of theirs, and a repository whose hook tells of pushes."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

from benchmarks.processes import cpu_seconds, pss_bytes
from benchmarks.raw import IMAGE
from tests.live.instance import free_port
from tests.servers import wait_until

CONFIGURATION = Path(__file__).with_name("master_cfg.py")
HOOK = """#!/bin/sh
while read old new ref; do
  curl -fsS -o /dev/null -d author=ada -d comments=x -d "branch=${ref#refs/heads/}" -d "revision=$new" %s || exit 1
done
"""
LONGEST_SECONDS = 600


def installed(venv: Path) -> Path:
    """Its programs' folder; it is made, and Buildbot installed, where it is missing."""
    programs = venv / "bin"
    if not (programs / "buildbot").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        install = [str(programs / "pip"), "install", "-q", "buildbot[bundle]"]
        subprocess.run(install, check=True, timeout=LONGEST_SECONDS)
    return programs


class Buildbot:
    """`start`, `push` to a builder's branch, `finished`, `stop`."""

    def __init__(self, folder: Path, venv: Path, *, network: str, shapes: dict[str, list[list[str]]]) -> None:
        folder.mkdir()
        self._folder, self._programs = folder, installed(venv)
        self._diary, self._bare, self.clone = folder / "diary", folder / "repository.git", folder / "clone"
        self._www, self._pb = free_port(), free_port()
        self._hook = f"http://127.0.0.1:{self._www}/change_hook/base"
        self._password = secrets.token_urlsafe(16)
        self._ends = contextlib.ExitStack()
        self.pids: list[int] = []
        self._environment = {
            **os.environ,
            "BENCH_SHAPES": json.dumps(shapes),
            "BENCH_IMAGE": IMAGE,
            "BENCH_NETWORK": network,
            "BENCH_DIARY": str(self._diary),
            "BENCH_REPOSITORY": str(self._bare),
            "BENCH_PASSWORD": self._password,
            "BENCH_WWW": str(self._www),
            "BENCH_PB": str(self._pb),
        }

    def start(self, files: dict[str, str]) -> None:
        """Bring master and worker up, and a repository with these files."""
        self._diary.touch()
        self._make_repository(files)
        master, worker = self._folder / "master", self._folder / "worker"
        self._run("buildbot", "create-master", "-c", str(CONFIGURATION), str(master))
        self._run("buildbot-worker", "create-worker", str(worker), f"127.0.0.1:{self._pb}", "one", self._password)
        self._keep("buildbot", master)
        wait_until(lambda: self._heard("ready"), seconds=60, what=f"Buildbot; see {master}/twistd.log")
        self._keep("buildbot-worker", worker)
        log = worker / "twistd.log"
        connected = "Connected to buildmaster"
        wait_until(lambda: log.exists() and connected in log.read_text(), seconds=60, what=f"its worker; see {log}")

    def stop(self) -> None:
        """End both."""
        self._ends.close()

    def cpu_seconds(self) -> float:
        """Of both and all below them: git and the docker command line, too."""
        return sum(cpu_seconds(pid) for pid in self.pids)

    def memory(self) -> int:
        """PSS of both, in bytes."""
        return sum(pss_bytes(pid) for pid in self.pids)

    def push(self, *branches: str) -> float:
        """A further commit, to all these branches at once; when the push began."""
        self._git("commit", "-q", "--allow-empty", "-m", "Measure")
        began = time.time()
        self._git("push", "-q", "-f", "origin", *(f"HEAD:refs/heads/{branch}" for branch in branches))
        return began

    def tell(self, branch: str) -> None:
        """Ask for a build of the branch as it stands, as the hook does."""
        revision = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=self.clone, text=True).strip()
        facts = urllib.parse.urlencode({"author": "ada", "comments": "x", "branch": branch, "revision": revision})
        with urllib.request.urlopen(self._hook, data=facts.encode(), timeout=60) as answer:
            assert answer.status == 200, answer.status

    def finished(self, count: int, since: float) -> float:
        """Wait for the end of so many builds, each of which must have passed; when the last ended."""
        ends = wait_until(
            lambda: found if len(found := self._heard("finished", since)) >= count else None,
            seconds=LONGEST_SECONDS,
            what=f"{count} builds of Buildbot; see {self._folder}",
        )
        assert [end["results"] for end in ends] == [0] * count, ends
        return max(end["at"] for end in ends)

    def first_line(self, since: float) -> float:
        """When the master had the first line."""
        return self._heard("line", since)[0]["at"]

    def _heard(self, what: str, since: float = 0.0) -> list[dict]:
        notes = [json.loads(line) for line in self._diary.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [note for note in notes if note["what"] == what and note["at"] >= since]

    def _make_repository(self, files: dict[str, str]) -> None:
        subprocess.run(["git", "init", "-q", "--bare", str(self._bare)], check=True)
        subprocess.run(["git", "clone", "-q", str(self._bare), str(self.clone)], check=True, capture_output=True)
        for name, value in {"user.name": "Ada", "user.email": "ada@example.com"}.items():
            self._git("config", name, value)
        for name, text in files.items():
            (self.clone / name).write_text(text)
        self._git("add", "-A")
        hook = self._bare / "hooks" / "post-receive"
        hook.write_text(HOOK % self._hook)
        hook.chmod(0o755)

    def _git(self, *arguments: str) -> None:
        done = subprocess.run(["git", *arguments], cwd=self.clone, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def _keep(self, program: str, base: Path) -> None:
        out = self._ends.enter_context((self._folder / f"{program}.log").open("wb"))
        command = [str(self._programs / program), "start", "--nodaemon", str(base)]
        process = subprocess.Popen(command, env=self._environment, stdout=out, stderr=out)
        self._ends.callback(process.wait, 60)
        self._ends.callback(process.terminate)
        self.pids.append(process.pid)

"""The service under measurement: a real `ciservice up`, pushed to by git and followed as a client follows it."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import cpu_seconds
from benchmarks.sse import events
from tests.live.instance import Instance

SETTLED_SECONDS = 1.0
SETTLED_CPU = 0.03


@dataclass(frozen=True, kw_only=True)
class Followed:
    """Seconds from the beginning of `git push` on. `first_line` is 0 where the build printed nothing."""

    pushed: float
    first_line: float
    finished: float
    build: dict[str, Any]


class Subject(Instance):
    """`put` files into the demo's repository, `push` them, and see when what arrives."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        super().__init__(data_dir, **environment)
        self.token = ""

    def start(self) -> None:
        """Start it and wait for the build of its first commit."""
        super().start()
        self.token = self.credentials["api_token"]
        self._api = self.credentials["url"] + self.api
        self.wait_for_rest()

    @property
    def pid(self) -> int:
        """The supervisor, above all processes of the service."""
        assert self.process is not None
        return self.process.pid

    def wait_for_rest(self, *, seconds: float = 120) -> None:
        """Until every build has ended and the processes have nothing to do."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            before = cpu_seconds(self.pid)
            time.sleep(SETTLED_SECONDS)
            if cpu_seconds(self.pid) - before <= SETTLED_CPU * SETTLED_SECONDS and self._is_idle():
                return

    def _is_idle(self) -> bool:
        return all(build["finished_at"] for build in self.builds())

    def put(self, files: dict[str, str]) -> None:
        """Commit exactly these files."""
        self._git("rm", "-rqf", "--ignore-unmatch", ".")
        for name, text in files.items():
            (self.clone / name).write_text(text)
        self.add()

    def add(self) -> None:
        """Commit what lies in the clone."""
        self._git("add", "-A")
        self.touch()

    def touch(self) -> None:
        """A further commit of the same files."""
        self._git("commit", "-q", "--allow-empty", "-m", "Measure")

    def push(self, *, first_line: bool = False) -> Followed:
        """Push what was committed and follow its build to the end; with `first_line` its only step's log, too."""
        began = time.perf_counter()
        build = self.push_only()
        pushed = time.perf_counter() - began
        lines = _FirstLine(self.events_url(build), self.token)
        for name, data in events(self.events_url(build), self.token):
            if first_line:
                lines.look_for(name, data)
            if name == "end":
                break
        finished = time.perf_counter() - began
        build = self.build_of_uuid(build["uuid"])
        assert build["state"] == "passed", f"{build['state']}: {build['reason']}\n{self.said()[-3000:]}"
        return Followed(
            pushed=pushed, first_line=lines.wait() - began if first_line else 0, finished=finished, build=build
        )

    def push_only(self) -> dict[str, Any]:
        """Push what was committed; the build that the hook says was made."""
        said = self._git("push", "-q", "origin", "main")
        number = re.search(r"build #(\d+)", said)
        assert number, f"the hook said {said!r}"
        build = json.loads(self.get(f"{self.api}/builds?per_page=1"))["builds"][0]
        assert build["number"] == int(number.group(1))
        return build

    def build_of_uuid(self, uuid: str) -> dict[str, Any]:
        """The build as it stands now."""
        return json.loads(self.get(f"{self.api}/builds/{uuid}"))["build"]

    def events_url(self, build: dict[str, Any]) -> str:
        """Where a build's events come from."""
        return f"{self._api}/builds/{build['uuid']}/events"

    def steps(self, build: dict[str, Any]) -> list[dict[str, Any]]:
        """The build's trees of steps."""
        return json.loads(self.get(f"{self.api}/builds/{build['uuid']}/steps"))["steps"]

    def follow(self, build: dict[str, Any], step: str) -> Any:
        """The events of a build and the log of one of its steps."""
        return events(f"{self.events_url(build)}?step={step}", self.token)

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.clone, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stderr


class _FirstLine:
    """Follows the log of the first step that it hears of, in a thread."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._thread: threading.Thread | None = None
        self._at = 0.0

    def look_for(self, name: str, data: dict[str, Any]) -> None:
        """An event that may name the step."""
        steps = data.get("steps", []) if name == "message" else [data] if name == "step" else []
        if self._thread is None and steps:
            self._thread = threading.Thread(target=self._follow, args=(steps[0]["uuid"],))
            self._thread.start()

    def _follow(self, step: str) -> None:
        for name, data in events(f"{self._url}?step={step}", self._token):
            if name == "log" and data["text"]:
                self._at = time.perf_counter()
                return

    def wait(self) -> float:
        """When the first text came."""
        assert self._thread is not None, "no step was heard of"
        self._thread.join(60)
        assert self._at, "the step printed nothing"
        return self._at

"""People: they push, their git host tells of it once, twice or never, they stop builds and build again."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.soak.diary import Diary
from benchmarks.soak.house import House
from benchmarks.soak.kinds import BY_NAME, SCRIPTS
from benchmarks.soak.story import PROJECTS, Push

MOST_UNFINISHED = 24
PATIENCE_SECONDS = 240  # of a git host that tells again and again
LOOK_SECONDS = 2.0
FINAL = {"passed", "failed", "errored", "cancelled", "skipped"}


@dataclass
class Pushed:
    """A commit, and everything that was asked for it. `asked`: restarts that were answered, `maybe`: that were not."""

    push: Push
    project: str
    ref: str
    commit: str
    at: float
    accepted: bool = False
    cancelled: bool = False
    asked: int = 0
    maybe: int = 0
    build: dict[str, Any] = field(default_factory=dict)


@dataclass
class Repository:
    """A bare one, a clone, and the project that builds it."""

    uuid: str
    secret: str
    clone: Path
    heads: dict[str, str] = field(default_factory=dict)


class People:
    """`run` pushes until told to stop; `pushed` is what the judge asks about."""

    def __init__(self, house: House, diary: Diary, folder: Path, *, stop: threading.Event) -> None:
        self._house, self._diary, self._stop = house, diary, stop
        self._hosts = ThreadPoolExecutor(16, thread_name_prefix="git-host")
        self.pushed: list[Pushed] = []
        self._repositories = [self._repository(folder, number) for number in range(PROJECTS)]

    def _repository(self, folder: Path, number: int) -> Repository:
        bare, clone = folder / f"project-{number}.git", folder / f"project-{number}"
        _git(folder, "init", "-q", "--bare", "-b", "main", str(bare))
        _git(folder, "clone", "-q", str(bare), str(clone))
        for name, value in {"user.name": "Ada", "user.email": "ada@example.com", "gc.auto": "0"}.items():
            _git(clone, "config", name, value)
        _git(clone, "commit", "-q", "--allow-empty", "-m", "Begin")
        given = {"name": f"soak/project-{number}", "repository_url": str(bare)}
        status, made = self._house.api("/projects", given)
        assert status in {200, 201}, (status, made)
        project = made.get("project", made)
        return Repository(uuid=project["uuid"], secret=project["hook_secret"], clone=clone)

    def run(self, story: Iterator[Push]) -> None:
        """Push as the story says; wait where too much is unfinished already."""
        for push in story:
            if self._stop.wait(push.pause) or not self._wait_for_room():
                return
            self._push(push)

    def _wait_for_room(self) -> bool:
        while self.unfinished >= MOST_UNFINISHED:
            if self._stop.wait(1):
                return False
        return True

    @property
    def unfinished(self) -> int:
        """Builds that have not ended, as far as we have heard."""
        return sum(pushed.build.get("state") not in FINAL for pushed in self.pushed)

    def close(self) -> None:
        """Wait for the git hosts; they end by themselves."""
        self._hosts.shutdown()

    def _push(self, push: Push) -> None:
        repository, kind = self._repositories[push.project], BY_NAME[push.kind]
        clone, branch = repository.clone, push.branch
        _git(
            clone, "checkout", "-qf", "-B", branch, *([repository.heads[branch]] if branch in repository.heads else [])
        )
        _git(clone, "rm", "-rqf", "--ignore-unmatch", ".")
        for name, text in {**SCRIPTS, **kind.files}.items():
            (clone / name).write_text(text)
        _git(clone, "add", "-A")
        _git(clone, "commit", "-q", "--allow-empty", "-m", f"{push.number}: {kind.name}")
        commit = _git(clone, "rev-parse", "HEAD")
        _git(clone, "push", "-qf", "origin", branch)
        before, repository.heads[branch] = repository.heads.get(branch, "0" * 40), commit
        pushed = Pushed(push=push, project=repository.uuid, ref=f"refs/heads/{branch}", commit=commit, at=time.time())
        self.pushed.append(pushed)
        self._diary.did("pushed", number=push.number, kind=push.kind, commit=commit, branch=branch, manner=push.manner)
        if push.manner == "dropped":
            self._hosts.submit(self._guarded, lambda: self._build_by_hand(pushed))
        else:
            for _ in range(1 if push.manner == "once" else 3):
                self._hosts.submit(self._guarded, lambda: self._tell(repository, pushed, before))
        if push.cancel_after is not None:
            self._hosts.submit(self._guarded, lambda: self._cancel(pushed))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self._diary.broke(f"the soak itself stumbled: {type(error).__name__}: {error}")

    def _tell(self, repository: Repository, pushed: Pushed, before: str) -> None:
        """The webhook, as a host sends it: again until it is taken."""
        body = json.dumps({"ref": pushed.ref, "before": before, "after": pushed.commit, "pusher": "ada"}).encode()
        signature = hmac.new(repository.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Ciservice-Signature": f"sha256={signature}", "Content-Type": "application/json"}
        path = f"/hooks/generic/{repository.uuid}"
        status = self._until_answered(lambda: self._house.post(path, body, headers)[0], {200, 202})
        pushed.accepted |= status in {200, 202}
        self._diary.did("webhooks sent", number=pushed.push.number, status=status)
        if status not in {200, 202}:
            self._diary.broke(
                f"push {pushed.push.number}: its webhook was not taken for {PATIENCE_SECONDS} s: {status}"
            )

    def _build_by_hand(self, pushed: Pushed) -> None:
        """The webhook never comes; somebody notices, and asks for the build, once."""
        time.sleep(2)
        asked = {"ref": pushed.ref.removeprefix("refs/"), "commit_sha": pushed.commit}

        def ask() -> int:
            self._look(pushed.project)
            if pushed.build:
                return 202
            return self._house.api(f"/projects/{pushed.project}/builds", asked)[0]

        pushed.accepted = self._until_answered(ask, {202}) == 202
        self._diary.did("webhooks dropped, built by hand", number=pushed.push.number)

    def _until_answered(self, ask: Callable[[], int], good: set[int]) -> int:
        end, status = time.monotonic() + PATIENCE_SECONDS, 0
        while time.monotonic() < end:
            try:
                status = ask()
            except OSError:
                status = 0
            if status in good or 400 <= status < 500:
                return status
            self._diary.count("asked again")
            time.sleep(1)
        return status

    def _cancel(self, pushed: Pushed) -> None:
        assert pushed.push.cancel_after is not None
        time.sleep(pushed.push.cancel_after)
        end = time.monotonic() + PATIENCE_SECONDS
        while not pushed.build and time.monotonic() < end and not self._stop.wait(0.5):
            pass
        if not pushed.build or pushed.build["state"] in FINAL:
            return
        pushed.cancelled = True
        path = f"/projects/{pushed.project}/builds/{pushed.build['uuid']}/stop"
        self._until_answered(lambda: self._house.api(path, {})[0], {202})
        self._diary.did("stopped", number=pushed.push.number)

    def look(self) -> None:
        """Hear how the builds stand, and build again what somebody wants built again."""
        for repository in self._repositories:
            self._look(repository.uuid)
        for pushed in list(self.pushed):
            if pushed.push.retried and not pushed.asked + pushed.maybe and pushed.build.get("state") in FINAL:
                self._restart(pushed)

    def _restart(self, pushed: Pushed) -> None:
        """Once: an answer that was lost may have been a build."""
        try:
            status, _ = self._house.api(f"/projects/{pushed.project}/builds/{pushed.build['uuid']}/restart", {})
        except OSError:
            status = 0
        pushed.asked, pushed.maybe = (1, 0) if status == 202 else (0, 1)
        self._diary.did("built again", number=pushed.push.number, status=status)

    def _look(self, project: str) -> None:
        try:
            status, answer = self._house.api(f"/projects/{project}/builds?per_page=50")
        except (OSError, ValueError):
            return
        if status != 200:
            return
        by_commit = {build["commit_sha"]: build for build in answer["builds"] if build["trigger"] != "restart"}
        for pushed in list(self.pushed):
            if pushed.project == project and pushed.commit in by_commit:
                pushed.build = by_commit[pushed.commit]


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()

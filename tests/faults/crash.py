"""Dies at named points: pieces of the service in forks of one process, each killed by SIGKILL at a call of its own.

python -m tests.faults.crash [in-turn] < cases.json    prints the exit codes as JSON, in the order of the cases
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass, field

import django
from django.conf import settings
from django.utils.module_loading import import_string

SECONDS = 60
AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Crash:
    """`call(*arguments)` is run, and killed before or after the function at `point`, as its user finds it, is called."""

    point: str  # "package.module.name" or "package.module.Class.name"
    when: str = "after"
    turn: int = 1  # at which call; one that returns nothing to do (None of a claim) is none
    call: str = "builds.runner.main"
    arguments: tuple[object, ...] = ()
    settings: dict[str, object] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """For people, and for labels."""
        return f"{self.when}-{self.point.rpartition('builds.')[2]}-{self.turn}".lower()


def as_text(cases: list[Crash]) -> str:
    """What this program reads."""
    return json.dumps([asdict(case) for case in cases])


def main() -> None:
    """Fork a child for each case, all at once or one after another, and wait for all of them."""
    cases = [Crash(**values) for values in json.load(sys.stdin)]
    django.setup(set_prefix=False)
    for needed in ("builds.runner.main", "builds.services.plan.plan", "runners.executors.fake.FakeExecutor"):
        import_string(needed)
    size = 1 if "in-turn" in sys.argv else AT_ONCE
    groups = [cases[start : start + size] for start in range(0, len(cases), size)]
    print(json.dumps([code for group in groups for code in _codes([_fork(case) for case in group])]))


def _fork(case: Crash) -> int:
    if pid := os.fork():
        return pid
    os.dup2(2, 1)
    code = 1
    try:
        for name, value in case.settings.items():
            setattr(settings, name, value)
        _arm(case)
        import_string(case.call)(*case.arguments)
        code = 0
    finally:
        os._exit(code)


def _arm(case: Crash) -> None:
    owner, _, name = case.point.rpartition(".")
    holder, work = _import(owner), getattr(_import(owner), name)
    calls = 0

    @functools.wraps(work)
    def armed(*arguments: object, **named: object) -> object:
        nonlocal calls
        if case.when == "before" and calls + 1 == case.turn:
            _die(case)
        result = work(*arguments, **named)
        calls += not (name == "claim" and result is None)
        if calls == case.turn:
            _die(case)
        return result

    setattr(holder, name, armed)


def _import(path: str) -> object:
    try:
        return import_string(path)
    except ImportError:
        return __import__(path, fromlist=["_"])


def _die(case: Crash) -> None:
    sys.stderr.write(f"dies {case.name}\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(SECONDS)


def _codes(children: list[int]) -> list[int]:
    """How each ended; who still lives after SECONDS is ended and counts as 0."""
    codes: dict[int, int] = {}
    end = time.monotonic() + SECONDS
    while len(codes) < len(children) and time.monotonic() < end:
        for pid in set(children) - codes.keys():
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                codes[pid] = os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    for pid in set(children) - codes.keys():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return [codes.get(pid, 0) for pid in children]


if __name__ == "__main__":
    main()

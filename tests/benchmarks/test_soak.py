"""The soak: its story depends on the seed alone, its judge finds what broke, and a very short one runs whole."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import pytest

from benchmarks.soak.__main__ import described
from benchmarks.soak.diary import Diary
from benchmarks.soak.judge import judge
from benchmarks.soak.people import Pushed
from benchmarks.soak.soak import Plan, Soak
from benchmarks.soak.story import FAULTS, Push, faults, pushes


@pytest.fixture
def diary(tmp_path):
    diary = Diary(tmp_path / "diary.jsonl")
    yield diary
    diary.close()


def push(kind: str = "quick") -> Push:
    return Push(number=1, pause=0, project=0, branch="main", kind=kind, manner="once", cancel_after=None, retried=False)


def pushed(kind: str = "quick", **asked: object) -> Pushed:
    return Pushed(push=push(kind), project="p", ref="refs/heads/main", commit="c", at=0, accepted=True, **asked)


def step(**fields: object) -> dict:
    usual = {
        "uuid": "s",
        "attempt": 1,
        "status": "passed",
        "exit_code": 0,
        "wanted": 3,
        "complete": True,
        "ended": True,
    }
    numbers = {"lines": 3, "last": 3, "doubled": 0, "missing": 0, "others": []}
    return {**usual, "started": 100.0, "finished": 101.0, **numbers, **fields}


def build(status: str = "passed", *, steps: list[dict] | None = None, trigger: str = "push", **job: object) -> dict:
    usual = {"uuid": "j", "kind": "pipeline", "status": status, "reason": "", "failure": "", "attempt": 1}
    jobs = [{**usual, "max_attempts": 3, "steps": steps or [step()], **job}]
    names = {"uuid": "b", "project": "p", "number": 1, "commit": "c", "ref": "refs/heads/main", "trigger": trigger}
    return {**names, "status": status, "reason": "Why", "jobs": jobs}


def broken(diary, one: Pushed, *builds: dict, deployments=(), ledger=()) -> str:
    told = {"builds": list(builds), "deployments": list(deployments)}
    return " / ".join(judge([one], told, list(ledger), diary).broken)


def test_one_seed_tells_one_story():
    def told(seed: int) -> list:
        falls = faults(seed, set(FAULTS), least=1, most=2)
        return [*itertools.islice(pushes(seed, docker=True, pause=1), 50), *itertools.islice(falls, 50)]

    assert told(7) == told(7)
    assert told(7) != told(8)


def test_only_what_is_possible_falls():
    assert {fault.what for fault in itertools.islice(faults(1, {"kill web"}, least=0, most=0), 20)} == {"kill web"}


def test_what_became_what_it_had_to_is_not_broken(diary):
    assert broken(diary, pushed(), build()) == ""
    assert broken(diary, pushed("failing"), build("failed")) == ""
    assert broken(diary, pushed(cancelled=True), build("cancelled")) == ""
    assert broken(diary, pushed(), build("errored", failure="runner_lost")) == ""
    assert broken(diary, pushed(asked=1), build(), build(trigger="restart")) == ""
    assert broken(diary, pushed(maybe=1), build()) == ""


@pytest.mark.parametrize(
    ("one", "builds", "said"),
    [
        (pushed(), [], "became 0 builds"),
        (pushed(), [build(), build()], "became 2 builds"),
        (pushed(), [build(), build(trigger="restart")], "built again 1 times"),
        (pushed(asked=1), [build()], "built again 0 times"),
        (pushed(), [build("running")], "has not ended"),
        (pushed(), [build("failed")], "its steps demand passed"),
        (pushed("failing"), [build("passed")], "its steps demand failed"),
        (pushed(), [build("cancelled")], "its steps demand passed"),
        (pushed(), [build("errored", failure="exit_code")], "not ours to have"),
        (pushed(), [build(steps=[step(doubled=2)])], "2 lines of its log come twice"),
        (pushed(), [build(steps=[step(missing=2, lines=2)])], "line 2 is missing"),
        (pushed(), [build(steps=[step(lines=2, last=2)])], "2 lines of 3 are stored"),
        (pushed(), [build(steps=[step(lines=2, complete=False)])], "no full disk excuses it"),
        (pushed(), [build(steps=[step(lines=2, complete=False, ended=False)])], "never ended"),
    ],
)
def test_what_broke_is_said(diary, one, builds, said):
    assert said in broken(diary, one, *builds)


def test_a_full_disk_excuses_a_hole_that_the_log_admits(diary):
    now = time.time()
    diary.fell("fill disk", now - 5)
    hole = step(lines=2, complete=False, started=now - 4, finished=now - 2)
    assert broken(diary, pushed(), build(steps=[hole])) == ""


@pytest.mark.parametrize(
    ("status", "ledger", "said"),
    [
        ("live", ["b staging"], ""),
        ("failed", [], ""),
        ("live", [], "its target was reached 0 times"),
        ("failed", ["b staging", "b staging"], "deployed 2 times"),
        ("rolling_out", ["b staging"], "has not ended"),
        ("live", ["b staging", "x staging"], "no deployment speaks of"),
    ],
)
def test_deployments_are_held_to_the_ledger(diary, status, ledger, said):
    deployment = {"uuid": "d", "build": "b", "environment": "staging", "status": status, "reason": ""}
    told = broken(diary, pushed(), build(), deployments=[deployment], ledger=ledger)
    assert (said in told) if said else told == ""


@pytest.mark.timeout(240)
def test_a_very_short_soak_holds(tmp_path):
    # Plain processes: what containers do under misfortune is the long soak's question, and this one's is whether it works.
    soak = Soak(Plan(seconds=8, seed=5, docker=False, pause=1.0, least=1.0, most=3.0, calm=90), tmp_path)
    try:
        outcome = soak.run()
    finally:
        soak.close(keep=False)
    assert outcome.broken == [], described(outcome)
    assert outcome.done["pushed"] >= 2
    assert outcome.fallen.total() >= 1
    assert outcome.checks["logs"] >= 1
    assert isinstance(outcome.outcomes, Counter)

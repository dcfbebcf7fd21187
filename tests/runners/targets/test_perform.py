"""One request carried out: the settings checked, the target called, and an answer whatever it does."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import BaseModel, ConfigDict

from runners.targets.checking import Problem, problems
from runners.targets.contract import Delivery, TargetError
from runners.targets.perform import perform
from runners.targets.request import Answer, Request


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    verbatim: ClassVar[frozenset[str]] = frozenset({"shell"})
    token: str
    count: int = 1
    shell: str = ""


@pytest.fixture
def target(monkeypatch):
    """Stands in for the target of SSH hosts: `deliver` and `running` are the test's."""
    settings, module = types.ModuleType("settings"), types.ModuleType("target")
    settings.Settings = Settings
    monkeypatch.setitem(sys.modules, "runners.targets.ssh.settings", settings)
    monkeypatch.setitem(sys.modules, "runners.targets.ssh.target", module)
    module.deliver = lambda *_: None
    module.running = lambda *_: frozenset({"12"})
    return module


def go(settings, *, kind="ssh", asks=False, **fields):
    delivery = Delivery(folder=Path("/nowhere"), environment="staging", project="p", release="12", commit="c", **fields)
    told = []
    return perform(Request(kind=kind, settings=settings, asks=asks, delivery=delivery), told.append), told


def test_what_is_delivered_gets_its_settings_filled_in(target):
    seen = []
    target.deliver = lambda settings, delivery, tell: seen.append((settings, delivery.release))

    answer, _ = go({"token": "${TOKEN}", "shell": "${TOKEN}"}, values={"TOKEN": "s3cret"})

    assert answer == Answer(passed=True)
    assert seen == [(Settings(token="s3cret", shell="${TOKEN}"), "12")]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"token": "${TOKEN}"}, "token: there is no variable or secret “TOKEN”."),
        ({}, "ssh: token: is needed"),
        ({"token": "a", "cuont": 2}, "ssh: cuont: there is no such setting; did you mean “count”?"),
        ({"token": "a", "count": "s3cret"}, "ssh: count: input should be a valid integer"),
    ],
)
def test_settings_that_cannot_be_are_the_projects_mistake(target, settings, reason):
    answer, _ = go(settings)

    assert (answer.passed, answer.is_spec) == (False, True)
    assert answer.reason.startswith(reason)
    assert "s3cret" not in answer.reason


def test_a_target_that_nobody_knows(target):
    answer, _ = go({}, kind="../ssh")

    assert answer == Answer(passed=False, is_spec=True, reason="There is no target “../ssh”.")
    assert problems("shh", {}) == [Problem((), "there is no target “shh”; did you mean “ssh”?")]


def test_a_target_says_why_it_did_not_go(target):
    def deliver(*_):
        raise TargetError("The host is full.")

    target.deliver = deliver

    assert go({"token": "a"})[0] == Answer(passed=False, reason="The host is full.")


def test_whatever_a_library_raises_is_one_sentence(target):
    def deliver(*_):
        raise ValueError("odd\n  bytes")

    target.deliver = deliver

    reason = "The ssh target broke unforeseen (ValueError): odd bytes"
    assert go({"token": "a"})[0] == Answer(passed=False, reason=reason)


@pytest.mark.parametrize(
    ("running", "passed", "reason"),
    [
        (frozenset({"12"}), True, ""),
        (frozenset({"11", "12"}), False, "Release 12 runs there, but so does 11."),
        (frozenset({"11"}), False, "Release 12 does not run there; 11 does."),
        (frozenset(), False, "Release 12 does not run there; none does."),
        (None, False, "Nobody can tell which release runs there."),
    ],
)
def test_asking_delivers_nothing_and_says_what_runs(target, running, passed, reason):
    def deliver(*_):
        raise AssertionError("it was only asked")

    target.deliver, target.running = deliver, lambda *_: running

    assert go({"token": "a"}, asks=True)[0] == Answer(passed=passed, reason=reason)


def test_a_share_may_run_beside_another_release(target):
    target.running = lambda *_: frozenset({"11", "12"})

    assert go({"token": "a"}, asks=True, percent=25.0)[0].passed


def test_a_request_and_an_answer_survive_their_way(tmp_path):
    delivery = Delivery(
        folder=tmp_path,
        environment="staging",
        project="p",
        release="12",
        commit="c",
        percent=12.5,
        values={"A": "ä\n"},
        ssh_key="key",
        allowed_hosts=("localhost",),
    )
    request = Request(kind="ssh", settings={"hosts": ["a"], "keep": 3}, asks=True, delivery=delivery)

    assert "\n" not in request.to_json()
    assert Request.from_json(request.to_json()) == request
    assert Answer.from_json(Answer(passed=False, reason="x" * 9000).to_json().encode()).reason == "x" * 2000
    assert Answer.from_json(b"") is None
    assert Answer.from_json(b'{"passed": true, "nons') is None

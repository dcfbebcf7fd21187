"""Where the branches stand over there: read without a fetch, within limits, by the rules for addresses."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest

from runners.checkout import GitPolicy
from runners.checkout import heads as module
from runners.checkout.heads import heads
from runners.contract import GitSource
from runners.errors import CheckoutError
from tests.runners.checkout.conftest import QUICK
from tests.runners.checkout.repositories import git


def source(url: object) -> GitSource:
    return GitSource(url=str(url), commit="", ref="refs/heads/main", mirror="m")


def test_every_branch_and_nothing_else(repository, mirrors, local):
    first = repository.commit("First")
    git(repository.work, "tag", "-a", "v1", "-m", "v1")
    repository.push("v1", "HEAD:refs/heads/topic/a", "HEAD:refs/pull/7/head")
    second = repository.commit("Second")
    assert heads(source(repository.bare), mirrors, policy=local) == {
        "refs/heads/main": second,
        "refs/heads/topic/a": first,
    }
    assert list(mirrors.iterdir()) == [], "nothing is left behind"


def test_an_empty_repository_has_none(repository, mirrors, local):
    assert heads(source(repository.bare), mirrors, policy=local) == {}


def test_too_many_are_refused(repository, mirrors, local, monkeypatch):
    monkeypatch.setattr(module, "MOST_HEADS", 1)
    repository.commit("First")
    repository.push("HEAD:refs/heads/a")
    with pytest.raises(CheckoutError, match="more than 1 branches"):
        heads(source(repository.bare), mirrors, policy=local)


def test_the_rules_for_addresses_hold(repository, mirrors):
    repository.commit("First")
    with pytest.raises(CheckoutError, match="own machine"):
        heads(source(repository.bare), mirrors, policy=GitPolicy())
    with pytest.raises(CheckoutError, match="private network"):
        heads(source("https://127.0.0.1:1/a.git"), mirrors, policy=GitPolicy())


def test_a_host_that_never_answers_is_given_up(mirrors):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        policy = GitPolicy(allowed_hosts=("127.0.0.1",), limits=replace(QUICK, total_seconds=1))
        begun = time.monotonic()
        with pytest.raises(CheckoutError):
            heads(source(f"http://127.0.0.1:{deaf.getsockname()[1]}/a.git"), mirrors, policy=policy)
        assert time.monotonic() - begun < 20, "bounded, not by chance"

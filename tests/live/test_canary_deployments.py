"""A shop in containers behind a real proxy while people buy: merges go out by canary, and a bad one comes back by itself.

SHOW_DEPLOYMENTS=10 has it take ten good ones before; else it is one, since each takes its time.
"""

from __future__ import annotations

import os
from datetime import datetime

import pytest

from tests.docker_images import docker_engine, docker_image  # noqa: F401 - fixtures
from tests.live.shop_instance import Shop
from tests.load import Load, Seen

DEPLOYMENTS = int(os.environ.get("SHOW_DEPLOYMENTS", "1"))
MOST_FAILED_PERCENT = 5

pytestmark = [pytest.mark.live, pytest.mark.docker, pytest.mark.timeout(240 + 60 * DEPLOYMENTS)]


@pytest.fixture
def shop(docker_engine, docker_image, tmp_path):  # noqa: F811
    shop = Shop(tmp_path, docker_engine)
    try:
        shop.open()
        yield shop
    finally:
        shop.close()


def test_merges_lose_no_request_and_a_bad_one_at_one_percent_comes_back_by_itself(shop, capsys):
    with Load(shop.production.port):  # people knock before it is open, and the first release is judged by them as well
        live = shop.wait("production", shop.merge("Open the shop"), "live")
    with Load(shop.production.port) as load:
        for number in range(1, DEPLOYMENTS + 1):
            commit = shop.merge(f"Improve it, {number}")
            live = shop.wait("production", commit, "live")
            assert shop.deployment("staging", commit)["state"] == "live", "what production gets was verified in staging"
            assert _shares(live) == [("rollout", 1), ("rollout", 50), ("rollout", 100)]
            assert load.next(40).answers.keys() == {_page(live)}
        good = load.whole
        assert good.failures == []

        commit = shop.merge("Break the basket", serve="serve-broken")
        shop.wait_begun("production", commit)
        before = load.whole
        bad = shop.wait("production", commit, "rolled_back")
        hurt = _between(before, load.whole)
        after = load.next(200)

    assert shop.deployment("staging", commit)["state"] == "live", "only production sees what is wrong"
    assert _shares(bad) == [("rollout", 1), ("rollback", 100)]
    assert 0 < hurt.failed_percent < MOST_FAILED_PERCENT
    assert (after.answers.keys(), after.failures) == ({_page(live)}, [])
    with capsys.disabled():
        print(f"\n{DEPLOYMENTS} deployments by canary: {good.requests} requests, {len(good.failures)} failed")
        print(
            f"a bad one at 1 %: {len(hurt.failures)} of {hurt.requests} requests failed ({hurt.failed_percent:.2f} %),"
            f" back after {_seconds(bad):.1f} s: {bad['reason']}"
        )


def _page(deployment: dict) -> str:
    return f"release {deployment['release']} in production"


def _shares(deployment: dict) -> list[tuple[str, float]]:
    return [(stage["kind"], stage["percent"]) for stage in deployment["stages"] if stage["began_at"]]


def _between(before: Seen, after: Seen) -> Seen:
    return Seen(after.answers - before.answers, after.failures[len(before.failures) :])


def _seconds(deployment: dict) -> float:
    """From when the first share was out until the release before was back and looked at."""
    first = next(stage["rolled_out_at"] for stage in deployment["stages"] if stage["kind"] == "rollout")
    return (datetime.fromisoformat(deployment["finished_at"]) - datetime.fromisoformat(first)).total_seconds()

"""Ten deployments under traffic: a web server that serves what the link leads to, and people who read all the time."""

from __future__ import annotations

import pytest

from runners.targets.contract import TargetError
from tests.runners.targets.releases import Log
from tests.runners.targets.ssh.traffic import Traffic

DEPLOYMENTS = 10


def test_not_one_request_is_lost_over_ten_deployments(host):
    host.deliver(1)
    with Traffic(host.disk() / "current") as traffic:
        for number in range(2, 2 + DEPLOYMENTS):
            host.target.deliver(host.given(keep=1), host.release(number, previous=str(number - 1)), Log())

    bad = {answer: count for answer, count in traffic.answers.items() if answer[0] != 200}
    assert bad == {}
    assert {text for _, text in traffic.answers} >= {str(number) for number in range(1, 1 + DEPLOYMENTS)}
    assert sum(traffic.answers.values()) > 10 * DEPLOYMENTS


@pytest.mark.parametrize("bad", [{"before": "exit 1"}, {"check": "exit 1", "check_within": "1s"}])
def test_a_bad_release_loses_no_request_either(host, bad):
    host.deliver(1)
    with Traffic(host.disk() / "current") as traffic, pytest.raises(TargetError):
        host.deliver(2, host.given(**bad), previous="1")

    assert {status for status, _ in traffic.answers} == {200}
    assert host.serving() == {"1": 1.0}

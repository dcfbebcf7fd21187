"""Shares of an app without a proxy: of the containers that Docker's DNS has under its name."""

from __future__ import annotations

import pytest

from runners.targets.contract import TargetError

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


def test_a_share_of_the_containers_has_the_name_and_then_all_of_them(app):
    app.deliver(1, replicas=3)
    assert named(app) == {"1": 3}
    app.deliver(2, 25, previous=1, replicas=3)
    assert named(app) == {"1": 3, "2": 1}
    assert app.running == {"1", "2"}
    app.deliver(2, 100, previous=1, replicas=3)
    assert named(app) == {"2": 3}
    assert app.running == {"2"}


def test_less_than_one_container_is_refused_before_anything_starts(app):
    app.deliver(1, replicas=3)
    with pytest.raises(TargetError, match=r"is\s+25 %\. Name a `proxy`, more `replicas`"):
        app.deliver(2, 1, previous=1, replicas=3)
    assert named(app) == {"1": 3}
    assert app.containers(2) == []


def named(app) -> dict[str, int]:
    """How many containers of each release run and have the app's name in its network."""
    found: dict[str, int] = {}
    for container in app.containers(status="running"):
        network = container.attrs["NetworkSettings"]["Networks"].get(app.name) or {}
        if app.name in (network.get("Aliases") or ()):
            release = container.labels["ciservice.target.release"]
            found[release] = found.get(release, 0) + 1
    return found

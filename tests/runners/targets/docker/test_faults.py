"""What goes wrong on a Docker host: bad releases, killed deliveries, a proxy that forgets. Users notice none of it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from runners.targets.contract import TargetError
from runners.targets.reach import OutOfReachError
from tests.live.instance import ROOT
from tests.load import Load
from tests.servers import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

_CHILD = """
import json, sys
from runners.targets.contract import Delivery
from runners.targets.docker.settings import Settings
from runners.targets.docker.target import deliver
settings, delivery = json.loads(sys.argv[1])
deliver(Settings.model_validate(settings), Delivery(**delivery), lambda line: print(line, flush=True))
"""


def test_a_release_that_ends_at_once_never_gets_a_request(app, make_proxy):
    proxy = make_proxy()
    app.deliver(1)
    with (
        Load(proxy.port) as load,
        pytest.raises(TargetError, match="-r2-.* ended(?: with exit code 3|, and was started again): the last"),
    ):
        app.deliver(2, previous=1, command=["sh", "-c", "echo no database; exit 3"])
    assert any(line.endswith("| no database") for line in app.told)
    assert load.whole.failures == []
    assert load.whole.answers.keys() == {"1"}
    assert app.containers(2) == []
    assert app.running == {"1"}


def test_a_release_that_never_answers_is_said_so_with_its_health_check(app):
    health = {"command": "echo the cache is cold; exit 1", "every": "1s", "within": "3s", "steady": "0s"}
    with pytest.raises(TargetError, match="is not healthy"):
        app.deliver(1, health=health)
    assert "its health check: the cache is cold" in app.said
    assert app.containers() == []


def test_without_anybody_to_ask_it_has_to_run_for_a_while(app):
    ends = {"command": ["sh", "-c", "sleep 1; exit 1"]}
    with pytest.raises(TargetError, match=r"ended(?: with exit code 1|, and was started again)"):
        app.deliver(1, **ends, health={"steady": "4s"})
    app.deliver(1, command=["sleep", "600"], health={"steady": "1s"})
    assert app.running == {"1"}


def test_a_canary_that_falls_ill_gives_its_share_back(app, make_proxy):
    proxy = make_proxy()
    app.settings["health"] = {"command": "test ! -e /tmp/ill", "every": "1s"}
    app.deliver(1)
    app.deliver(2, 50, previous=1)
    with Load(proxy.port) as load:
        load.next(20)
        for container in app.containers(2):
            container.exec_run("touch /tmp/ill")
        wait_until(lambda: all(container.health == "unhealthy" for container in app.containers(2)), what="illness")
        with pytest.raises(TargetError, match="is not healthy"):
            app.deliver(2, 100, previous=1)
        assert load.next(40).answers.keys() == {"1"}
    assert app.running == {"1"}


def test_the_proxy_has_to_reach_a_container_before_it_gets_anything(app, make_proxy):
    proxy = make_proxy()
    app.deliver(1)
    with Load(proxy.port) as load, pytest.raises(TargetError, match=r"HAProxy does not reach .*:9999 \(L4CON\)"):
        app.deliver(2, previous=1, port=9999, health={"command": "true", "every": "1s"})
    assert load.whole.failures == []
    assert app.running == {"1"}
    assert app.containers(2) == []


def test_twice_is_once(app, make_proxy):
    make_proxy()
    app.deliver(1)
    before = {container.id for container in app.containers()}
    app.told.clear()
    app.deliver(1)
    app.deliver(1, 10, previous="")
    assert {container.id for container in app.containers()} == before
    assert not any(line.startswith(("Starting", "Stopping")) for line in app.told)


def test_a_rollback_starts_the_containers_that_are_still_there(app, make_proxy):
    proxy = make_proxy()
    app.deliver(1)
    first = {container.id for container in app.containers(1)}
    app.deliver(2, previous=1)
    assert {container.id for container in app.containers(1, status="exited")} == first
    with Load(proxy.port) as load:
        app.deliver(1, previous=2, is_rollback=True, environment={"CHANGED": "since"})
        assert load.next(20).answers.keys() == {"1"}
    assert load.whole.failures == []
    assert {container.id for container in app.containers(1, status="running")} == first


def test_only_as_many_releases_stay_as_asked(app):
    for release in (1, 2, 3):
        app.deliver(release, previous=release - 1, keep=1, health={"steady": "0s"})
    assert {container.labels["ciservice.target.release"] for container in app.containers()} == {"2", "3"}
    app.deliver(4, previous=3, keep=0, health={"steady": "0s"})
    assert {container.labels["ciservice.target.release"] for container in app.containers()} == {"4"}


@pytest.mark.parametrize("lines", range(1, 7))
def test_a_delivery_killed_anywhere_is_finished_by_the_next(app, make_proxy, lines):
    proxy = make_proxy()
    app.deliver(1)
    with Load(proxy.port) as load:
        _deliver_and_die(app, 2, lines)
        app.deliver(2, previous=1)
        assert load.next(20).answers.keys() == {"2"}
    assert load.whole.failures == []
    assert app.running == {"2"}
    assert len(app.containers(2)) == 2
    servers = [line.split()[3] for line in proxy.ask("show servers state shop").splitlines()[2:] if line]
    assert all("-r2-" in name for name in servers), servers


def _deliver_and_die(app, release: int, lines: int) -> None:
    """Deliver in a process that is killed after it told so many lines."""
    delivery = {**vars(app.of(release, previous="1")), "values": {}}
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, json.dumps([app.settings, delivery], default=str)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        for _ in range(lines):
            child.stdout.readline()
        child.kill()


def test_a_proxy_that_forgot_its_servers_is_told_again(app, make_proxy):
    proxy = make_proxy()
    app.deliver(1)
    proxy.stop()
    proxy.start()
    assert app.running == frozenset()
    app.deliver(1)
    with Load(proxy.port) as load:
        assert load.next(20).share("1") == 100


def test_requests_under_way_are_waited_for(app, make_proxy):
    proxy = make_proxy()
    app.deliver(1)
    with Load(proxy.port, path="/cgi-bin/slow") as load:
        load.next(4)
        app.deliver(2, previous=1)
        load.next(8)
    assert load.whole.failures == []
    assert {"1", "2"} == load.whole.answers.keys()


def test_a_container_of_somebody_else_is_not_touched(app, docker_engine, docker_image):
    app.deliver(1, replicas=1, health={"steady": "0s"})
    name = app.containers()[0].name
    app.remove()
    other = docker_engine.containers.create(docker_image, name=name)
    try:
        with pytest.raises(TargetError, match=f"There is a container {name} on the host that is not ours"):
            app.deliver(1, replicas=1, health={"steady": "0s"})
        other.reload()
    finally:
        other.remove()


def test_the_runners_own_engine_is_the_operators_to_open(app):
    app.delivery = app.of(1, allowed_hosts=("*",))
    with pytest.raises(OutOfReachError, match="TARGET_ALLOWED_HOSTS=/var/run/docker.sock"):
        app.deliver(1)


def test_a_backend_that_is_not_there_is_named(app, make_proxy):
    make_proxy()
    app.settings["proxy"]["haproxy"]["backend"] = "shoop"
    with pytest.raises(TargetError, match="HAProxy has no backend “shoop”"):
        app.deliver(1)

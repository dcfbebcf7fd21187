"""Releases come to a service of a real swarm of one node, on an engine of the tests' own."""

from __future__ import annotations

import subprocess

import pytest
from docker.types import ServiceMode, UpdateConfig

from runners.targets.contract import Delivery, TargetError
from runners.targets.swarm.settings import Settings
from runners.targets.swarm.target import deliver, running
from tests.docker_images import archive
from tests.faults.engines import OwnEngine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

GOOD = "trap 'exit 0' TERM; sleep 600 & wait"
BAD = "echo no database; exit 3"


@pytest.fixture(scope="module")
def swarm():
    """A client of an engine that is a swarm."""
    engine = OwnEngine()
    try:
        engine.start()
        # The swarm talks to itself over the loopback of the engine's namespace.
        enter = ["nsenter", "-t", str(engine._process.pid), "-n", "ip", "link", "set", "lo", "up"]
        subprocess.run(enter, check=True, timeout=30)
        client = engine.client()
        client.swarm.init(advertise_addr="127.0.0.1", listen_addr="127.0.0.1:2377")
        for tag, script in (("1", GOOD), ("2", GOOD + " # newer"), ("bad", BAD)):
            changes = [f'CMD ["sh", "-c", "{script}"]']
            client.api.import_image_from_data(archive(), repository="shop", tag=tag, changes=changes)
        yield client
        for service in client.services.list():
            service.remove()
        client.swarm.leave(force=True)
        client.close()
    finally:
        engine.remove()


class Service:
    """A service as somebody created it, before this CI came."""

    def __init__(self, client) -> None:
        self.client, self.told = client, []
        quick = UpdateConfig(parallelism=1, delay=0, monitor=2_000_000_000)
        self.made = client.services.create(
            "shop:1", name="shop_web", networks=["host"], mode=ServiceMode("replicated", 2), update_config=quick
        )
        self.url = "unix://" + client.api.get_adapter("http+docker://localhost/").socket_path

    def deliver(self, release: int, image: str, **fields) -> None:
        deliver(self._settings(image), self._delivery(release, **fields), self.told.append)

    def running(self, **fields) -> set[str]:
        return set(running(self._settings("shop:1"), self._delivery(1, **fields), self.told.append))

    @property
    def images(self) -> set[str]:
        tasks = self.client.services.get(self.made.id).tasks({"desired-state": "running"})
        return {task["Spec"]["ContainerSpec"]["Image"] for task in tasks if task["Status"]["State"] == "running"}

    def _settings(self, image: str) -> Settings:
        return Settings(host=self.url, service="shop_web", image=image, within="90s")

    def _delivery(self, release: int, **fields) -> Delivery:
        known = {"environment": "production", "project": "p", "commit": "a" * 40, **fields}
        return Delivery(
            folder="/nowhere", release=str(release), allowed_hosts=(self.url.removeprefix("unix://"),), **known
        )


@pytest.fixture
def service(swarm):
    it = Service(swarm)
    yield it
    it.made.remove()


def test_a_release_is_every_task_and_can_be_brought_back_by_what_it_was(service, swarm):
    first = swarm.images.get("shop:1").id
    assert service.running() == set()
    service.deliver(1, "shop:1")
    service.deliver(2, "shop:2")
    assert service.images == {swarm.images.get("shop:2").id}
    assert service.running() == {"2"}
    service.deliver(1, "shop:2", is_rollback=True)  # the tag means something else by now
    assert service.images == {first}
    assert service.running() == {"1"}
    before = swarm.services.get(service.made.id).version
    service.deliver(1, "shop:1")
    assert swarm.services.get(service.made.id).version == before, "twice is once"
    spec = swarm.services.get(service.made.id).attrs["Spec"]
    assert spec["UpdateConfig"]["Order"] == "start-first"
    assert spec["UpdateConfig"]["Monitor"] == 2_000_000_000, "what was set stays"
    assert "CI_RELEASE=1" in spec["TaskTemplate"]["ContainerSpec"]["Env"]


def test_the_swarm_goes_back_from_a_release_that_ends_at_once(service, swarm):
    service.deliver(1, "shop:1")
    with pytest.raises(TargetError, match=r"The swarm did not keep the release: .*non-zero exit \(3\)"):
        service.deliver(2, "shop:bad")
    assert service.images == {swarm.images.get("shop:1").id}
    assert service.running() == {"1"}


def test_what_cannot_be_is_refused_before_anything_is_touched(service):
    with pytest.raises(TargetError, match="cannot bring a release to 10 %.*`docker` with a `proxy`"):
        service.deliver(1, "shop:1", percent=10.0)
    with pytest.raises(TargetError, match="no registry has shop:none"):
        service.deliver(1, "shop:none")
    service.deliver(1, "shop:1")
    with pytest.raises(TargetError, match="belongs to another project"):
        service.deliver(1, "shop:1", project="other")
    assert service.running(project="other") == set()

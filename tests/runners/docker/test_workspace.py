"""From a repository to steps in its checkout, and what happens where one of them cannot be had."""

from __future__ import annotations

import secrets

import pytest
from docker.errors import APIError
from docker.models.containers import Container

from runners.contract import Outcome, StepSpec, Stop
from runners.errors import CheckoutError, EngineError
from runners.executors.config import ExecutorSettings
from runners.executors.docker import networks
from runners.executors.docker.engine import Engine, Refused
from runners.executors.docker.executor import DockerExecutor
from tests.docker_images import archive
from tests.runners.checkout.repositories import Repository
from tests.runners.docker.conftest import attempt
from tests.runners.jobs import run
from tests.servers import wait_until


@pytest.fixture
def source(tmp_path):
    """A commit of a repository with one file."""
    repository = Repository(tmp_path)
    return repository.source(repository.commit(hello="from the repository\n"))


def folders_of(job, settings) -> list:
    return [path for path in settings.data_dir.glob("*/*") if path.name.startswith(job.name)]


@pytest.mark.docker
def test_every_kind_of_step_works_in_one_checkout(executor, make_job, settings, source, docker_image):
    steps = [
        run("home", "cat hello; echo home > made"),
        run("own", "cat made; echo own >> made", image=docker_image),
        StepSpec(name="again", command=("cat", "made")),
    ]
    job, stop = make_job(*steps, source=source), Stop()

    with executor.workspace(job, stop, lambda _: None) as workspace:
        outcomes = [attempt(workspace, step, stop) for step in steps]

    assert [text for _, text in outcomes] == ["from the repository\n", "home\n", "home\nown\n"]
    wait_until(lambda: not folders_of(job, settings), what="the removal of the folder")


@pytest.mark.docker
def test_an_image_with_a_user_of_its_own_may_write_to_the_checkout(executor, make_job, source, docker_engine):
    name = f"ciservice-test-nobody-{secrets.token_hex(4)}"
    docker_engine.api.import_image_from_data(archive(), repository=name, tag="latest", changes=["USER nobody"])
    steps = [run("home", "id -u; echo x >> hello; mkdir new"), run("own", "rmdir new", image=name)]
    stop = Stop()

    with executor.workspace(make_job(*steps, source=source, image=name), stop, lambda _: None) as workspace:
        outcomes = [attempt(workspace, step, stop) for step in steps]

    assert [(result.outcome, text) for result, text in outcomes] == [(Outcome.PASSED, "65534\n"), (Outcome.PASSED, "")]
    its = {"all": True, "ignore_removed": True, "filters": {"ancestor": name}}
    wait_until(lambda: not docker_engine.containers.list(**its), what="the removal")
    docker_engine.images.remove(name)


@pytest.mark.docker
def test_a_checkout_that_cannot_be_had_leaves_nothing(executor, make_job, objects, settings, source):
    gone = type(source)(url=source.url, commit="f" * 40, ref=source.ref, mirror=source.mirror)
    job = make_job(run("x", "echo ran"), source=gone)

    with pytest.raises(CheckoutError), executor.workspace(job, Stop(), lambda _: None):
        pytest.fail("there is no such commit")

    wait_until(lambda: not objects.of_job(job), what="the removal of what was prepared meanwhile")
    wait_until(lambda: not folders_of(job, settings), what="the removal of the folder")


@pytest.mark.docker
def test_a_second_attempt_in_the_same_room_is_refused(executor, make_job):
    job, stop = make_job(run("x", "echo ran")), Stop()

    with executor.workspace(job, stop, lambda _: None) as workspace:
        with pytest.raises(EngineError, match="cannot be made"), executor.workspace(job, stop, lambda _: None):
            pytest.fail("the folder belongs to the first")
        result, text = attempt(workspace, job.pipeline.steps[0], stop)

    assert (result.outcome, text) == (Outcome.PASSED, "ran\n")


def test_without_an_engine_the_error_says_what_to_do(tmp_path):
    settings = ExecutorSettings(name="docker", data_dir=tmp_path, docker_url=f"unix://{tmp_path}/nobody.sock")

    with pytest.raises(EngineError, match="start dockerd, or set DOCKER_HOST"):
        DockerExecutor(settings).open()


class FullEngine:
    """Its own pools are used up; of our nets it takes the third."""

    def __init__(self, *, takes: int) -> None:
        self.asked: list[str] = []
        self._takes = takes

    def create_network(
        self, name: str, labels: dict[str, str], subnet: str = "", options: dict[str, str] | None = None
    ) -> str:
        self.asked.append(subnet)
        if not subnet:
            raise Refused(500, "could not find an available, non-overlapping IPv4 address pool among the defaults")
        if len(self.asked) <= self._takes:
            raise Refused(403, "Pool overlaps with other one on this address space")
        return "made"


def test_when_the_engines_addresses_are_used_up_ours_are_taken():
    engine = FullEngine(takes=3)

    assert networks.make_network(engine, "x", {}) == "made"
    assert all(subnet.startswith(("198.18.", "198.19.")) and subnet.endswith("/27") for subnet in engine.asked[1:])


def test_when_no_addresses_are_left_the_error_says_what_to_do():
    with pytest.raises(EngineError, match="docker network prune"):
        networks.make_network(FullEngine(takes=10**6), "x", {})


@pytest.mark.docker
def test_the_engine_takes_a_net_of_ours(docker_engine, settings):
    engine, name = Engine(""), f"{settings.instance}-net"
    try:
        network = engine.create_network(name, {}, "198.19.255.224/27")
        assert docker_engine.networks.get(network).attrs["IPAM"]["Config"] == [{"Subnet": "198.19.255.224/27"}]
    finally:
        engine.remove_network(name)
        engine.close()


@pytest.mark.docker
def test_a_room_that_died_while_it_waited_is_not_given_out(executor, perform, objects, docker_image):
    def killed() -> list:
        return [one for one in objects.containers() if one.name.startswith("ci-room") and _kill(one)]

    wait_until(killed, what="a room")

    outcomes = perform(run("own", "echo fine", image=docker_image), run("home", "echo fine"))

    assert [text for _, text in outcomes] == ["fine\n", "fine\n"]


def _kill(room: Container) -> bool:
    """False: it was used before, and is on its way out already."""
    try:
        room.kill()
    except APIError as error:
        if error.status_code not in {404, 409}:
            raise
        return False
    return True

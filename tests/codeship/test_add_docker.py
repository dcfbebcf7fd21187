"""`add_docker`: steps that build and run images on a Docker engine of the job's own, from CodeShip's two files."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass

import pytest

from runners.contract import Outcome
from runners.executors.config import ExecutorSettings
from runners.executors.docker.executor import DockerExecutor
from tests.docker_images import archive
from tests.runners.docker.engine_objects import EngineObjects
from tests.runners.docker.private_engines import ensure_engine_image
from tests.servers import wait_until

pytestmark = pytest.mark.docker

SERVICES = """
    docker:
      image: ENGINE
      entrypoint: [/usr/bin/env]
      add_docker: true
      volumes: ["./:/checkout", "/var/run/docker.sock:/var/run/docker.sock"]
      working_dir: /checkout
    app: {image: NAME}
    web: {build: ./web, depends_on: [app]}
"""
DOCKERFILE = 'FROM scratch\nADD base.tar /\nENV PATH=/bin\nRUN echo made inside > /made\nCMD ["sleep", "60"]\n'


@dataclass
class Host:
    """What the tests know of the engine of this machine."""

    image: str  # of the private engine; it has a client, too
    settings: ExecutorSettings
    objects: EngineObjects


@pytest.fixture(scope="module")
def host(docker_engine, docker_image, tmp_path_factory) -> Host:
    image = ensure_engine_image(docker_engine)
    settings = ExecutorSettings(
        name="docker",
        data_dir=tmp_path_factory.mktemp("add-docker"),
        default_image=docker_image,
        memory_mb=1024,
        pids=1024,
        private_engine="rootless",
        private_engine_image=image,
        instance=f"test-{secrets.token_hex(4)}",
    )
    return Host(image, settings, EngineObjects(docker_engine, settings.instance))


@pytest.fixture(scope="module")
def executor(host):
    executor = DockerExecutor(host.settings)
    executor.open()
    yield executor
    executor.close()
    host.objects.remove_images()


def test_what_a_step_builds_is_the_image_of_later_services_and_nothing_is_left(
    passes, go, host, project, docker_engine, docker_image
):
    name = f"app-{secrets.token_hex(4)}"
    (project / "base.tar").write_bytes(archive())
    services = SERVICES.replace("ENGINE", host.image).replace("NAME", name)
    files = {
        "Dockerfile": DOCKERFILE,
        ".dockerignore": "*\n!base.tar\n",
        "web/Dockerfile": f"FROM {name}\nRUN cat /made > /seen\n",
    }
    steps = f"""
        - {{name: fresh, service: docker, command: docker ps -aq}}
        - {{name: images, service: docker, command: docker images -q}}
        - {{name: build, service: docker, command: docker build -q -t {name} .}}
        - {{name: run, service: docker, command: 'docker run --rm -v /checkout:/src:ro {name} sh -c "cat /made /src/.dockerignore"'}}
        - {{name: socket, service: docker, command: 'sh -c "DOCKER_HOST=unix:///var/run/docker.sock docker images -q {name} | wc -l"'}}
        - {{name: map, service: docker, command: docker run --rm {name} cat /proc/self/uid_map}}
        - {{name: use, service: app, command: cat /made}}
        - {{name: derived, service: web, command: cat /seen}}
    """
    ran = passes(steps, services, files)

    assert ran.text("fresh").replace("Starting a Docker engine for this job\n", "") == ""
    assert ran.text("images") == ""
    assert ran.text("run") == "made inside\n*\n!base.tar\n"
    assert ran.last("socket") == "1"
    assert ran.last("use") == "made inside"
    assert ran.last("derived") == "made inside"
    # Its root is somebody without rights on the machine.
    assert ran.text("map").split()[:3] == ["0", "1000", "1"]
    assert not docker_engine.images.list(name=name), "the runner's engine knows it by name"
    again = go("- {service: app, command: cat /made}", services.replace("web:", "other:"), {})
    assert again.result.outcome is not Outcome.PASSED, "a later job got this job's image"
    wait_until(
        lambda: [o for o in host.objects.all() if not o.startswith(("ci-room", "ci-steps"))] == [], what="nothing left"
    )


def test_two_jobs_see_nothing_of_each_other_nor_of_the_machine(passes, host, docker_engine):
    services = SERVICES.replace("ENGINE", host.image).replace("NAME", "unused")
    steps = """
        - {name: make, service: docker, command: docker volume create mine}
        - {name: list, service: docker, command: docker volume ls -q}
        - {name: facts, service: docker, command: "docker info --format '{{.ID}} {{.SecurityOptions}}'"}
    """
    first, second = passes(steps, services), passes(steps, services)

    assert first.last("list") == second.last("list") == "mine"
    ids = {ran.last("facts").split()[0] for ran in (first, second)}
    assert len(ids | {docker_engine.info()["ID"]}) == 3
    assert "rootless" in first.last("facts")


def test_the_engine_is_ours_by_its_labels_and_is_not_privileged(go, host):
    seen: list[dict] = []

    def look() -> bool:
        seen.extend(one.attrs for one in host.objects.containers() if "docker-engine" in one.name)
        return bool(seen)

    services = SERVICES.replace("ENGINE", host.image).replace("NAME", "unused")
    looking = threading.Thread(target=wait_until, args=(look,), kwargs={"seconds": 60, "what": "the engine"})
    looking.start()
    go("- {service: docker, command: sleep 3}", services)
    looking.join()

    facts = seen[0]
    assert facts["HostConfig"]["Privileged"] is False
    assert facts["HostConfig"]["Memory"] == 1024 * 1024 * 1024
    assert facts["HostConfig"]["PidsLimit"] == 1024
    assert facts["Config"]["Labels"]["ciservice.instance"] == host.settings.instance
    assert not any("docker.sock" in mount.get("Source", "") for mount in facts["Mounts"])

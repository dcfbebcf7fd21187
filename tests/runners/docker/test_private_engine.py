"""A job's own Docker engine: who gets one, what is said to who does not, what is left, and what it may hand over."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import secrets
import signal
import subprocess
import sys
import tarfile
import uuid
from pathlib import Path

import pytest
from docker.errors import APIError

from runners.contract import Failure, Mount, MountKind, Outcome, ServiceSpec, Stop
from runners.errors import SpecError
from runners.executors.docker.executor import DockerExecutor
from runners.executors.docker.private_engine_images import plain_image
from tests.docker_images import archive
from tests.runners.docker.conftest import attempt
from tests.runners.docker.engine_objects import EngineObjects
from tests.runners.docker.private_engines import ensure_engine_image
from tests.runners.jobs import run
from tests.servers import wait_until


@pytest.fixture
def once(settings, make_job):
    """Runs steps in one job of an executor with further settings: [(result, text)]."""

    def once(*steps, **fields) -> list[tuple]:
        own = {name: fields.pop(name) for name in list(fields) if name.startswith(("private_", "memory_"))}
        executor = DockerExecutor(
            dataclasses.replace(settings, instance=f"test-{secrets.token_hex(4)}", **{"memory_mb": 1024, **own})
        )
        executor.open()
        try:
            stop = Stop()
            with executor.workspace(make_job(*steps, **fields), stop, lambda _: None) as workspace:
                return [attempt(workspace, step, stop) for step in steps]
        finally:
            executor.close()

    return once


def asking(image: str, **fields) -> ServiceSpec:
    return ServiceSpec(name="app", image=image, add_docker=True, **fields)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("fields", "sentences"),
    [
        ({}, ["The service app has `add_docker: true`", "set PRIVATE_ENGINE.", "docs/add-docker.md"]),
        (
            {"private_engine": "rootless", "private_engine_image": "ciservice-not-made"},
            ["its image ciservice-not-made is not there (PRIVATE_ENGINE_IMAGE)", "docs/add-docker.md"],
        ),
        (
            {"private_engine": "privileged", "is_strangers": True},
            ["changes from a fork do not get", "PRIVATE_ENGINE_FOR_FORKS"],
        ),
        (
            {"private_engine": "runtime", "private_engine_runtime": "nobody-has-it", "private_engine_image": "IMAGE"},
            ["PRIVATE_ENGINE=runtime", "nobody-has-it", "docs/add-docker.md"],
        ),
    ],
    ids=["off", "no image", "fork", "no such runtime"],
)
def test_who_gets_none_is_told_which_setting_and_document(once, docker_image, fields, sentences):
    fields = {name: docker_image if value == "IMAGE" else value for name, value in fields.items()}

    [(asked, _), (other, _)] = once(
        run("x", "echo ran", service="app"),
        run("y", "echo ran", service="other"),
        services=[asking(docker_image), ServiceSpec(name="other", image=docker_image)],
        **fields,
    )

    assert (asked.outcome, asked.failure) == (Outcome.FAILED, Failure.SPEC)
    assert [sentence for sentence in sentences if sentence not in asked.reason] == [], asked.reason
    assert other.outcome is Outcome.PASSED


@pytest.mark.docker
def test_a_host_that_allows_no_privileged_container_says_so(once, docker_engine, docker_image):
    try:
        docker_engine.containers.run(docker_image, "true", privileged=True, remove=True)
    except APIError:
        pass
    else:
        pytest.skip("this machine allows privileged containers")

    [(result, _)] = once(
        run("x", "echo ran", service="app"),
        services=[asking(docker_image)],
        private_engine="privileged",
        private_engine_image=docker_image,
    )

    assert result.failure is Failure.SPEC
    assert "(PRIVATE_ENGINE=privileged) could not be started on this runner: " in result.reason
    assert "operation not permitted" in result.reason


@pytest.mark.docker
def test_the_last_words_of_an_engine_that_ends_are_in_the_log(once, docker_image):
    [(result, text)] = once(
        run("x", "echo ran", service="app"),
        services=[asking(docker_image)],
        private_engine="runtime",
        private_engine_runtime="runc",
        private_engine_image=docker_image,  # it has no dockerd
    )

    assert result.failure is Failure.SPEC
    assert "dockerd" in result.reason + text


@pytest.mark.docker
def test_a_project_cannot_put_its_files_over_the_engines_own(once, docker_engine, project):
    image = ensure_engine_image(docker_engine)
    (project / "entry").write_text("#!/bin/sh\necho taken over\n")
    (project / "base.tar").write_bytes(archive())
    targets = ("/usr/local/bin", "/home/rootless", "/etc", "/var/lib/ciservice-engine", "/run/x", "/work/ok")
    mounts = tuple(Mount(kind=MountKind.CHECKOUT, source=".", target=target) for target in targets)
    own = (Mount(kind=MountKind.CHECKOUT, source=".", target="/src"),)
    script = "docker import /src/base.tar inner >/dev/null; docker run --rm -v /work/ok:/x inner cat /x/entry"

    [(result, text)] = once(
        run("y", script, service="app"),
        services=[
            ServiceSpec(name="other", image=image, add_docker=True, mounts=mounts),
            ServiceSpec(name="app", image=image, entrypoint=(), add_docker=True, mounts=own),
        ],
        private_engine="rootless",
        private_engine_image=image,
    )

    assert result.outcome is Outcome.PASSED, text
    assert text.endswith("#!/bin/sh\necho taken over\n")


RUNNER = """
import sys, uuid
from pathlib import Path
from runners.contract import DirectorySource, JobSpec, PipelineSpec, ServiceSpec, StepSpec, Stop
from runners.executors.config import ExecutorSettings
from runners.executors.docker.executor import DockerExecutor

data, image, instance, job, checkout = sys.argv[1:]
service = ServiceSpec(name="app", image=image, entrypoint=(), add_docker=True)
step = StepSpec(name="x", service="app", script="docker volume create one && echo up && sleep 300")
executor = DockerExecutor(ExecutorSettings(
    name="docker", data_dir=Path(data), instance=instance, private_engine="rootless", private_engine_image=image,
    memory_mb=1024, pids=1024,
))
executor.open()
spec = JobSpec(
    job_id=job, epoch=1, source=DirectorySource(path=Path(checkout)),
    pipeline=PipelineSpec(name="t", steps=(step,), services=(service,)),
)
with executor.workspace(spec, Stop(), print) as workspace:
    workspace.run(step, lambda data: print(data.decode(), flush=True), Stop())
"""


@pytest.mark.docker
def test_a_sweep_removes_what_a_killed_runner_left(settings, docker_engine, tmp_path, project):
    image, job, instance = ensure_engine_image(docker_engine), str(uuid.uuid4()), f"test-{secrets.token_hex(4)}"
    objects = EngineObjects(docker_engine, instance)
    arguments = [str(tmp_path / "data"), image, instance, job, str(project)]
    with subprocess.Popen([sys.executable, "-c", RUNNER, *arguments], stdout=subprocess.PIPE, text=True) as runner:
        assert any("up" in line for line in runner.stdout)
        os.kill(runner.pid, signal.SIGKILL)
    left = objects.of(job)
    assert [name for name in left if "docker-engine" in name], left
    pids = [
        docker_engine.api.inspect_container(name)["State"]["Pid"]
        for name in left
        if "docker-engine" in name and not name.endswith(("data", "socket"))
    ]

    executor = DockerExecutor(dataclasses.replace(settings, data_dir=tmp_path / "data", instance=instance))
    executor.open()
    try:
        executor.sweep(lambda *_: False)
    finally:
        executor.close()

    assert objects.of(job) == []
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), what="its processes to be gone")
    assert str(uuid.UUID(job)) not in Path("/proc/self/mounts").read_text()


# --- what an untrusted engine may hand over


def saved(layer: bytes = b"a layer", **changes) -> tuple[io.BytesIO, str]:
    """An archive as `docker save` makes it, and its image's id."""
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    config = changes.get("config") or json.dumps({"rootfs": {"type": "layers", "diff_ids": [digest]}}).encode()
    manifest = changes.get("manifest", [{"Config": "c.json", "RepoTags": ["debian:12"], "Layers": ["x/layer.tar"]}])
    files = {"c.json": config, "x/layer.tar": changes.get("written", layer), "repositories": b'{"debian":{"12":"x"}}'}
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        for name, content in {**files, "manifest.json": json.dumps(manifest).encode()}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    memory.seek(0)
    return memory, f"sha256:{hashlib.sha256(config).hexdigest()}"


def test_an_image_comes_over_without_its_names():
    source, image = saved()
    plain = io.BytesIO()

    plain_image(source, plain, image)

    plain.seek(0)
    with tarfile.open(fileobj=plain) as tar:
        assert tar.getnames() == ["0.tar", "config.json", "manifest.json"]
        assert b"debian" not in tar.extractfile("manifest.json").read()
        assert tar.extractfile("0.tar").read() == b"a layer"


_DIGEST = f"sha256:{hashlib.sha256(b'a layer').hexdigest()}"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"written": b"another"}, "a layer is not what its digest says"),
        ({"manifest": [{"Config": "c.json", "Layers": []}]}, "not those of its configuration"),
        ({"manifest": [{"Config": "c.json", "Layers": ["../../etc/passwd"]}]}, "is no image"),
        ({"manifest": []}, "is no image"),
        ({"manifest": {"a": 1}}, "is no image"),
        ({"config": b'{"rootfs":{"diff_ids":["%s"]},"RootFS":{"diff_ids":[]}}' % _DIGEST.encode()}, "rootfs once"),
        ({"config": b'{"rootfs":{"diff_ids":[]},"rootfs":{"diff_ids":[]}}'}, "a key twice"),
        ({"config": b"[" * 100_000}, "is no image"),
    ],
)
def test_an_archive_that_lies_is_refused(changes, sentence):
    source, image = saved(**changes)

    with pytest.raises(SpecError, match=sentence):
        plain_image(source, io.BytesIO(), image)


def test_an_archive_of_another_image_is_refused():
    source, _ = saved()

    with pytest.raises(SpecError, match="not that of its id"):
        plain_image(source, io.BytesIO(), "sha256:" + "0" * 64)


def test_a_layer_that_links_to_itself_is_refused():
    memory = io.BytesIO()
    config = json.dumps({"rootfs": {"diff_ids": [_DIGEST]}}).encode()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        for name, content in {
            "c": config,
            "manifest.json": json.dumps([{"Config": "c", "Layers": ["l"]}]).encode(),
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("l")
        link.type, link.linkname = tarfile.SYMTYPE, "l"
        tar.addfile(link)
    memory.seek(0)

    with pytest.raises(SpecError, match="is no image"):
        plain_image(memory, io.BytesIO(), f"sha256:{hashlib.sha256(config).hexdigest()}")

"""A repository set up as CodeShip's tutorials do: a Dockerfile, an app, PostgreSQL, Redis, a push of the tested image."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from docker.errors import ImageNotFound

from builds.pipeline.make import make
from builds.pipeline.plan import PlanContext
from runners.contract import DirectorySource, JobSpec, Outcome, Stop
from runners.encryption import encrypt, new_key
from runners.engine import execute
from runners.executors.config import ExecutorSettings
from runners.executors.docker.executor import DockerExecutor
from tests.docker_images import docker_engine  # noqa: F401 - a fixture
from tests.runners.docker.private_registry import PrivateRegistry
from tests.runners.jobs import Recorder

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("machine")]

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DOCKERFILE = """\
FROM postgres:16
USER root
ARG REVISION
RUN echo "$REVISION" > /revision
COPY check /check
ENTRYPOINT []
CMD ["/check"]
"""
CHECK = """\
#!/bin/bash
set -e
test "$(cat /revision)" = "$CI_COMMIT_ID"
case "$1" in
  redis)
    until exec 3<>/dev/tcp/redis/6379; do sleep 0.5; done
    printf 'PING\\r\\n' >&3
    read -r answer <&3
    echo "redis says ${answer%?}" ;;
  postgres)
    until psql "$DATABASE_URL" -qc 'CREATE TABLE IF NOT EXISTS visits (at int)'; do sleep 0.5; done
    psql "$DATABASE_URL" -Atc "INSERT INTO visits VALUES (42) RETURNING 'postgres says ' || at" ;;
esac
"""
SERVICES = """\
app:
  build:
    image: shop/app
    dockerfile_path: Dockerfile
    args:
      REVISION: "{{ .CommitID }}"
  cached: true
  depends_on:
    - postgres
    - redis
  encrypted_env_file: app.env.encrypted
postgres:
  image: postgres:16
  environment:
    POSTGRES_USER: shop
    POSTGRES_PASSWORD: shop
redis:
  image: redis:7
  command: redis-server --protected-mode no --bind 0.0.0.0
"""
STEPS = """\
- type: parallel
  service: app
  steps:
    - command: /check redis
    - command: /check postgres
- type: push
  service: app
  tag: ^(master|main)$
  image_name: {registry}/shop/app
  image_tag: '{{{{ .Branch }}}}-{{{{ printf "%.7s" .CommitID }}}}'
  registry: http://{registry}
  encrypted_dockercfg_path: dockercfg.encrypted
"""


@pytest.fixture
def registry(docker_engine, tmp_path):  # noqa: F811
    for name in ("postgres:16", "redis:7"):
        try:
            docker_engine.images.get(name)
        except ImageNotFound:
            pytest.skip(f"the image {name} is not on this machine")
    registry = PrivateRegistry(tmp_path)
    yield registry
    registry.close()


@pytest.fixture
def executor(tmp_path):
    executor = DockerExecutor(
        ExecutorSettings(
            name="docker", data_dir=tmp_path / "data", memory_mb=1024, instance=f"test-{secrets.token_hex(4)}"
        )
    )
    executor.open()
    yield executor
    executor.close()


def write_project(folder: Path, registry: PrivateRegistry) -> str:
    """The repository's files; the project's key."""
    key = new_key()
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "check").write_text(CHECK)
    (folder / "check").chmod(0o755)
    (folder / "codeship-services.yml").write_text(SERVICES)
    (folder / "codeship-steps.yml").write_text(STEPS.format(registry=registry.address))
    (folder / "dockercfg.encrypted").write_text(encrypt(registry.dockercfg(), key))
    (folder / "app.env.encrypted").write_text(
        encrypt(b"DATABASE_URL=postgres://shop:shop@postgres/shop?connect_timeout=5\n", key)
    )
    return key.text


@pytest.mark.parametrize(("branch", "is_pushed"), [("main", True), ("feature/x", False)])
def test_it_goes_green_unchanged_and_only_the_main_branch_is_pushed(executor, registry, tmp_path, branch, is_pushed):
    key = write_project(tmp_path / "project", registry)
    files = {
        name: (tmp_path / "project" / name).read_text() for name in ("codeship-services.yml", "codeship-steps.yml")
    }
    plan = make(files, PlanContext(branch=branch, commit=COMMIT))
    recorder = Recorder()
    job = JobSpec(
        job_id=secrets.token_hex(8),
        epoch=1,
        pipeline=plan.pipelines[0],
        source=DirectorySource(path=tmp_path / "project"),
        environment={"CI_COMMIT_ID": COMMIT, "CI_BRANCH": branch},
        key=key,
    )

    result = execute(job, executor, recorder, Stop())

    everything = "".join(recorder.text(*path) for path in recorder.outputs)
    assert result.outcome is Outcome.PASSED, everything
    assert plan.warnings == ()
    assert "redis says +PONG" in everything
    assert "postgres says 42" in everything
    assert bool(registry.manifest("shop/app", "main-0123456")) is is_pushed
    assert registry.password not in everything
    if is_pushed:
        digest = registry.manifest("shop/app", "main-0123456")
        assert recorder.results[(1,)].image_digest == f"{registry.address}/shop/app@{digest}"

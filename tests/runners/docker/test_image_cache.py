"""Layers that are kept: on a runner, and between runners in a folder or a registry."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from runners.contract import CacheScope, ImageBuild, Outcome, ServiceSpec, Stop
from runners.encryption import encrypt, new_key
from runners.executors.docker.executor import DockerExecutor
from runners.executors.docker.image_cache import FolderStore, Key
from tests.runners.docker.conftest import attempt
from tests.runners.docker.private_registry import PrivateRegistry
from tests.runners.jobs import run

pytestmark = pytest.mark.docker

APP = ServiceSpec(name="app", build=ImageBuild(), cached=True)
STEP = run("read", "cat /made", service="app")


@pytest.fixture
def scope() -> CacheScope:
    return CacheScope(project=secrets.token_hex(8), branch="feature/x", writes=True)


@pytest.fixture
def runner(settings, tmp_path, docker_engine):
    """Runs one job as a runner of its own would: it is closed afterwards, and the engine forgets what it built."""
    instance = f"test-{secrets.token_hex(4)}"

    def runner(job, **fields) -> str:
        own = {"data_dir": tmp_path / secrets.token_hex(4), "instance": instance}
        executor = DockerExecutor(type(settings)(**{**settings.__dict__, **own, **fields}))
        executor.open()
        stop = Stop()
        try:
            with executor.workspace(job, stop, lambda _: None) as workspace:
                result, text = attempt(workspace, STEP, stop)
        finally:
            executor.close()
        assert result.outcome is Outcome.PASSED, text
        for image in docker_engine.api.images(filters={"label": f"ciservice.instance={instance}"}):
            docker_engine.api.remove_image(image["Id"], force=True)  # with the layers that nobody else has
        return text

    return runner


def dockerfile(project, image: str) -> str:
    """One whose second line takes a moment and says so; the token in it is in the step's output, too."""
    token = secrets.token_hex(6)
    (project / "Dockerfile").write_text(f"FROM {image}\nRUN echo {token} > /made\nCOPY . /all\n")
    return token


def ran(text: str) -> bool:
    """Whether the RUN line was carried out, by the classic builder."""
    return "Running in" in text


def test_the_same_files_are_not_built_again(perform, docker_image, project):
    (project / "file").write_text("1")
    dockerfile(project, docker_image)

    [(_, first)] = perform(STEP, services=[APP])
    os.utime(project / "file", (1, 1))  # another checkout of the same commit
    [(_, second)] = perform(STEP, services=[APP])
    (project / "file").write_text("2")
    [(_, third)] = perform(STEP, services=[APP])

    assert ran(first)
    assert "Step" not in second
    assert "Nothing that it is built from has changed" in second
    assert "Using cache" in third
    assert "COPY . /all" in third


@pytest.mark.parametrize("change", ["mode", "link", "ignored", "argument", "target"])
def test_what_counts_as_a_change(perform, docker_image, project, change):
    dockerfile(project, docker_image)
    (project / "file").write_text("1")
    (project / ".dockerignore").write_text("left-out\n")
    (project / "left-out").write_text("1")
    build = ImageBuild(args={"A": "1"})
    perform(STEP, services=[ServiceSpec(name="app", build=build)])

    if change == "mode":
        (project / "file").chmod(0o755)
    elif change == "link":
        (project / "file").unlink()
        (project / "file").symlink_to("Dockerfile")
    elif change == "ignored":
        (project / "left-out").write_text("2")
    elif change == "argument":
        build = ImageBuild(args={"A": "2"})
    else:
        build = ImageBuild(args={"A": "1"}, target="0")
    [(_, text)] = perform(STEP, services=[ServiceSpec(name="app", build=build)])

    assert ("Nothing that it is built from has changed" in text) is (change == "ignored")


def test_a_changed_base_is_a_change(perform, docker_image, project):
    base = f"base-{secrets.token_hex(4)}"
    dockerfile(project, base)
    services = [ServiceSpec(name="base", build=ImageBuild(dockerfile="Base", tag=base)), APP]
    (project / ".dockerignore").write_text("Base\n")
    for content in ("1", "2"):
        (project / "Base").write_text(f"FROM {docker_image}\nRUN echo {content}{base} > /base\n")
        [(_, text)] = perform(run("read", "cat /base", service="app"), services=services)
        assert text.endswith(f"{content}{base}\n")


def test_layers_come_from_another_runner_by_a_folder(runner, make_job, docker_image, project, tmp_path, scope):
    cache = str(tmp_path / "cache")
    dockerfile(project, docker_image)

    first = runner(make_job(STEP, services=[APP], cache=scope), image_cache=cache)
    second = runner(make_job(STEP, services=[APP], cache=scope), image_cache=cache)
    nowhere = runner(make_job(STEP, services=[APP], cache=scope))

    assert ran(first)
    assert "No cached image" in first
    assert not ran(second)
    assert "Using the cached image of service app from branch feature/x" in second
    assert ran(nowhere)


def test_layers_come_from_another_runner_by_a_registry(runner, make_job, docker_image, project, tmp_path, scope):
    registry = PrivateRegistry(tmp_path)
    cache = {"image_cache": f"{registry.address}/caches", "image_cache_login": f"robot:{registry.password}"}
    dockerfile(project, docker_image)
    try:
        first = runner(make_job(STEP, services=[APP], cache=scope), **cache)
        second = runner(make_job(STEP, services=[APP], cache=scope), **cache)
    finally:
        registry.close()
    gone = runner(make_job(STEP, services=[APP], cache=scope), **cache)

    assert ran(first)
    assert not ran(second)
    assert "Warning: the cached image of service app could not be had" in gone


@pytest.mark.parametrize(("fallback", "branch"), [("", "main"), ("develop", "develop")])
def test_a_new_branch_begins_with_the_default_branchs(
    runner, make_job, docker_image, project, tmp_path, scope, fallback, branch
):
    cache, of_default = str(tmp_path / "cache"), CacheScope(project=scope.project, branch=branch, writes=True)
    app = ServiceSpec(name="app", build=ImageBuild(), cached=True, default_cache_branch=fallback)
    dockerfile(project, docker_image)

    runner(make_job(STEP, services=[app], cache=of_default), image_cache=cache)
    text = runner(make_job(STEP, services=[app], cache=scope), image_cache=cache)

    assert f"from branch {branch}" in text
    assert not ran(text)


@pytest.mark.parametrize("why", ["a fork", "not cached", "secrets"])
def test_what_is_never_kept(runner, make_job, docker_image, project, tmp_path, scope, why):
    key, folder = new_key(), tmp_path / "cache"
    dockerfile(project, docker_image)
    app, theirs = APP, scope
    if why == "a fork":
        theirs = CacheScope(project=scope.project, branch=scope.branch, writes=False)
    elif why == "not cached":
        app = ServiceSpec(name="app", build=ImageBuild())
    else:
        sealed = encrypt(b"TOKEN=s3cret-value\n", key)
        app = ServiceSpec(name="app", build=ImageBuild(encrypted_args=(sealed,)), cached=True)

    text = runner(make_job(STEP, services=[app], cache=theirs, key=key.text), image_cache=str(folder))

    assert list(folder.rglob("*.tar")) == []
    assert ("encrypted arguments would lie in its layers" in text) is (why == "secrets")


def test_projects_services_and_branches_never_share():
    keys = [
        Key(project, service, branch)
        for project in ("p", "q")
        for service in ("a", "A", "a/b", "é")
        for branch in ("x", "X", "x/y", "x-y", "../..")
    ]

    assert len({(key.project, key.name) for key in keys}) == len(keys)
    assert all(set(key.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for key in keys)


class _Engine:
    """What a store asks of one."""

    def __init__(self) -> None:
        self.loaded = 0

    def image(self, name: str) -> dict[str, str] | None:
        return None

    def save_image(self, name: str):
        yield b"x" * 100

    def load_image(self, archive) -> None:
        self.loaded += 1


def test_the_folder_stays_within_its_bounds_and_the_least_used_goes(tmp_path: Path):
    store = FolderStore(_Engine(), None, tmp_path, most_bytes=250)
    for number, branch in enumerate(("a", "b", "c")):
        store.put(Key("p", "app", branch), f"sha256:{branch}")
        archive = tmp_path / "p" / f"{Key('p', 'app', branch).name}.tar"
        os.utime(archive, (1000 + number, 1000 + number))

    kept = sorted(path.name for path in tmp_path.glob("*/*"))
    assert kept == sorted(f"{Key('p', 'app', branch).name}.{end}" for branch in "bc" for end in ("tar", "id"))
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*.tar")) <= 250


def test_an_image_larger_than_the_folder_may_be_is_left_out(tmp_path: Path):
    store = FolderStore(_Engine(), None, tmp_path, most_bytes=50)

    with pytest.raises(Exception, match="50 bytes"):
        store.put(Key("p", "app", "a"), "sha256:a")

    assert list(tmp_path.glob("*/*")) == []

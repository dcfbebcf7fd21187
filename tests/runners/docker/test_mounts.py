"""Volumes of services: paths of the checkout, volumes of the job, volumes of other services."""

from __future__ import annotations

import os

import pytest

from runners.contract import Failure, Mount, MountKind, Outcome, ServiceSpec
from tests.runners.jobs import run

pytestmark = pytest.mark.docker


def with_mounts(docker_image: str, *mounts: Mount, name: str = "app", **fields) -> ServiceSpec:
    return ServiceSpec(name=name, image=docker_image, mounts=mounts, **fields)


def checkout(source: str, **fields) -> Mount:
    return Mount(kind=MountKind.CHECKOUT, source=source, target="/mounted", **fields)


def test_a_folder_of_the_checkout_passes_files_between_steps(perform, docker_image, project):
    services = [
        with_mounts(docker_image, checkout("tmp/not-yet-there")),
        with_mounts(docker_image, checkout("tmp/not-yet-there", read_only=True), name="reader"),
    ]

    [_, (result, text)] = perform(
        run("write", "echo hello > /mounted/note", service="app"),
        run("read", "cat /mounted/note; touch /mounted/x && exit 9 || true", service="reader"),
        services=services,
    )

    assert result.outcome is Outcome.PASSED
    assert text.startswith("hello\n")
    assert (project / "tmp/not-yet-there/note").read_text() == "hello\n"


@pytest.mark.parametrize("source", ["../..", "out", "out/deeper", "folder/../out", "/etc", "absolute/new"])
def test_a_mount_never_leaves_the_checkout(perform, docker_image, project, tmp_path, source):
    (tmp_path / "outside").mkdir()
    (project / "folder").mkdir()
    (project / "out").symlink_to("../outside")
    (project / "absolute").symlink_to(tmp_path / "outside")

    [(result, _)] = perform(
        run("x", "touch /mounted/broke-out", service="app"), services=[with_mounts(docker_image, checkout(source))]
    )

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.SPEC)
    assert source in result.reason
    assert os.listdir(tmp_path / "outside") == []


def test_a_bare_name_is_the_path_where_there_is_one_and_else_a_volume(perform, docker_image, project):
    (project / "scripts").mkdir()
    (project / "scripts" / "hello").write_text("echo hello from the checkout\n")
    either = [Mount(kind=MountKind.NAMED, source=name, target=f"/{name}", either=True) for name in ("scripts", "data")]
    service = with_mounts(docker_image, *either)

    [(_, first), (_, second)] = perform(
        run("one", "sh /scripts/hello; echo kept > /data/file", service="app"),
        run("two", "cat /data/file", service="app"),
        services=[service],
    )

    assert (first, second) == ("hello from the checkout\n", "kept\n")
    assert os.listdir(project) == ["scripts"]


def test_an_anonymous_volume_lives_as_long_as_its_container(perform, docker_image):
    service = with_mounts(docker_image, Mount(kind=MountKind.ANONYMOUS, target="/data"))

    [_, (_, text)] = perform(
        run("one", "echo x > /data/file", service="app"), run("two", "ls /data", service="app"), services=[service]
    )

    assert text == ""


def test_volumes_from_are_shared_by_every_step_of_the_job(perform, docker_image):
    data = with_mounts(docker_image, Mount(kind=MountKind.ANONYMOUS, target="/data"), name="data")
    services = [data, *(with_mounts(docker_image, name=name, volumes_from=("data",)) for name in ("left", "right"))]

    [_, (result, text)] = perform(
        run("one", "echo from the left > /data/file", service="left"),
        run("two", "cat /data/file", service="right"),
        services=services,
    )

    assert (result.outcome, text) == (Outcome.PASSED, "from the left\n")


def test_variables_come_from_files_of_the_checkout_and_nowhere_else(perform, docker_image, project, tmp_path):
    (tmp_path / "secret.env").write_text("STOLEN=yes\n")
    (project / "good.env").write_text("FROM_FILE=file\nBOTH=file\n")
    (project / "bad.env").symlink_to(tmp_path / "secret.env")
    good = ServiceSpec(name="good", image=docker_image, environment={"BOTH": "inline"}, env_files=("good.env",))
    bad = ServiceSpec(name="bad", image=docker_image, env_files=("bad.env",))

    [(_, text), (refused, _)] = perform(
        run("good", "echo $FROM_FILE $BOTH", service="good"),
        run("bad", "echo $STOLEN", service="bad"),
        services=[good, bad],
    )

    assert text == "file file\n"
    assert refused.failure is Failure.SPEC

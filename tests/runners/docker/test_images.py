"""Images: the ones that are here, the ones that are pulled, and the ones that cannot be had."""

from __future__ import annotations

import contextlib

import pytest
from docker.errors import DockerException

from runners.contract import Failure, Outcome, StepSpec, Stop
from runners.errors import ImageError
from runners.executors.docker.images import is_named, with_tag
from tests.docker_images import archive
from tests.runners.docker.conftest import attempt
from tests.runners.docker.registry import Registry


@pytest.fixture(scope="module")
def registry(docker_engine):
    registry = Registry(archive())
    yield registry
    registry.close()
    for image in docker_engine.images.list():
        for tag in image.tags:
            if tag.startswith(registry.address):
                with contextlib.suppress(DockerException):
                    docker_engine.images.remove(tag, force=True)


def step_with(image: str) -> StepSpec:
    return StepSpec(name="x", image=image, command=("echo", "ran"))


@pytest.mark.docker
def test_an_image_is_pulled_once_and_its_digest_reported(perform, registry):
    step = step_with(f"{registry.address}/good")

    [(result, text), (_, again)] = perform(step, step)

    assert result.outcome is Outcome.PASSED, text
    assert text == f"Pulling image {registry.address}/good:latest\nran\n"
    assert again == "ran\n"
    assert result.image_digest.startswith(f"{registry.address}/good@sha256:")


@pytest.mark.docker
def test_a_registry_that_stumbles_is_asked_again(perform, registry):
    registry.answers["shaky"] = [(500, "UNKNOWN"), (500, "UNKNOWN"), (200, "")]

    [(result, text)] = perform(step_with(f"{registry.address}/shaky:1.0"))

    assert result.outcome is Outcome.PASSED, text
    assert "Trying again" in text


@pytest.mark.docker
def test_an_image_that_no_registry_has_is_the_projects_mistake(perform, registry):
    registry.answers["absent"] = [(404, "MANIFEST_UNKNOWN")]

    [(result, _)] = perform(step_with(f"{registry.address}/absent:2"))

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.SPEC)
    assert f"{registry.address}/absent:2 was not found" in result.reason
    assert registry.asked.count("absent") <= 2  # HEAD and GET: nobody tried again


@pytest.mark.docker
def test_a_rate_limit_is_named_and_another_attempt_could_help(executor, make_job, registry):
    registry.answers["limited"] = [(429, "TOOMANYREQUESTS")]
    step, stop = step_with(f"{registry.address}/limited"), Stop()

    with (
        executor.workspace(make_job(step), stop, lambda _: None) as workspace,
        pytest.raises(ImageError, match="rate limit") as caught,
    ):
        attempt(workspace, step, stop)

    assert caught.value.retry


@pytest.mark.docker
def test_an_image_is_never_found_by_the_digits_of_its_id(perform, docker_engine, docker_image, registry):
    registry.answers["library"] = [(404, "MANIFEST_UNKNOWN")]
    digits = docker_engine.images.get(docker_image).id.removeprefix("sha256:")[:12]
    step = step_with(digits)

    with contextlib.suppress(ImageError):
        [(result, _)] = perform(step)
        assert result.outcome is not Outcome.PASSED


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("busybox", "busybox:latest"),
        ("busybox:1", "busybox:1"),
        ("host:5000/a/b", "host:5000/a/b:latest"),
        ("host:5000/a:2", "host:5000/a:2"),
        ("a@sha256:00", "a@sha256:00"),
    ],
)
def test_a_name_without_a_tag_means_latest(name, whole):
    assert with_tag(name) == whole


@pytest.mark.parametrize(
    ("name", "tags", "digests", "expected"),
    [
        ("busybox:latest", ["busybox:latest"], [], True),
        ("docker.io/library/busybox:latest", ["busybox:latest"], [], True),
        ("busybox:1", ["busybox:latest"], [], False),
        ("a1b2c3:latest", ["busybox:latest"], [], False),
        ("busybox@sha256:00", [], ["busybox@sha256:00"], True),
        ("busybox:1@sha256:00", [], ["busybox@sha256:00"], True),
        ("other@sha256:00", [], ["busybox@sha256:00"], False),
    ],
)
def test_an_image_answers_to_its_names_alone(name, tags, digests, expected):
    assert is_named(name, {"RepoTags": tags, "RepoDigests": digests}) is expected

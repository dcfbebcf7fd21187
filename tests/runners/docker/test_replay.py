"""Images as they were then: what a job used is told by digest, and pinned to that it uses nothing else."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from runners.contract import Failure, ImageBuild, Link, Outcome, ServiceSpec, StepSpec, Stop, built_for
from tests.docker_images import archive
from tests.runners.docker.conftest import attempt
from tests.runners.docker.registry import Registry
from tests.runners.jobs import run

pytestmark = pytest.mark.docker


@pytest.fixture
def make_image(docker_engine, docker_image):
    """Gives a name of the test's own to a new image that holds one file; returns the image's id."""
    ids, names = [], []

    def make(name: str, text: str) -> str:
        container = docker_engine.containers.create(docker_image, ["sh", "-c", f"echo {text} > /version"])
        container.start()
        container.wait()
        repository, _, tag = name.partition(":")
        made = container.commit(repository=repository, tag=tag)
        container.remove()
        ids.append(made.id)
        names.append(name)
        return made.id

    yield make
    for one in [*names, *ids]:
        if docker_engine.images.list(filters={"reference": one}) or one in {i.id for i in docker_engine.images.list()}:
            docker_engine.images.remove(one, force=True)


@pytest.fixture
def again(executor, make_job):
    """Runs steps in one workspace with images as they were then: [(result, text)]."""

    def again(*steps, images, **fields) -> list[tuple]:
        job = make_job(*steps, **fields)
        job = replace(job, pipeline=replace(job.pipeline, images=images))
        with executor.workspace(job, Stop(), lambda _: None) as workspace:
            return [attempt(workspace, step, Stop()) for step in steps]

    return again


def own_name() -> str:
    return f"ciservice-test-then-{secrets.token_hex(4)}:1"


READ = StepSpec(name="x", service="app", script="cat /version")


def test_a_name_that_means_another_image_now_runs_the_old_one(perform, again, make_image):
    name = own_name()
    old = make_image(name, "old")
    service = ServiceSpec(name="app", image=name)
    [(then, text)] = perform(READ, services=[service])
    assert (then.images, text) == ({name: old}, "old\n")

    make_image(name, "new")
    [(_, today)] = perform(READ, services=[service])
    [(replayed, text)] = again(READ, services=[service], images=then.images)

    assert (today, text) == ("new\n", "old\n")
    assert replayed.images == then.images


def test_an_image_that_is_gone_is_named_with_what_to_do(perform, again, make_image, docker_engine):
    name = own_name()
    old = make_image(name, "old")
    service = ServiceSpec(name="app", image=name)
    [(then, _)] = perform(READ, services=[service])
    docker_engine.images.remove(name, force=True)
    make_image(name, "new")

    [(result, text)] = again(READ, services=[service], images=then.images)

    assert (result.outcome, result.failure, text) == (Outcome.FAILED, Failure.SPEC, "")
    assert result.reason.startswith(f"The image {name} as it was then ({old}) is gone: ")
    assert "today's settings" in result.reason


def test_the_pipelines_own_container_and_every_service_are_told_and_pinned(perform, again, make_image):
    home, beside, app = own_name(), own_name(), own_name()
    expected = {home: make_image(home, "home"), beside: make_image(beside, "beside"), app: make_image(app, "app")}
    services = [
        ServiceSpec(name="db", image=beside, command=("sh", "-c", "trap 'exit' TERM; while :; do sleep 1; done")),
        ServiceSpec(name="app", image=app, depends_on=(Link(service="db"),)),
    ]
    at_home = run("home", "cat /version")
    results = perform(READ, at_home, services=services, image=home)
    assert results[-1][0].images == expected
    for name in expected:
        make_image(name, "new")

    replayed = again(READ, at_home, services=services, image=home, images=expected)

    assert [text for _, text in replayed] == ["app\n", "home\n"]
    assert replayed[-1][0].images == expected


def test_what_a_dockerfile_begins_from_is_told_and_pinned(perform, again, make_image, project, docker_engine):
    base, other = own_name(), own_name()
    old, other_id = make_image(base, "old"), make_image(other, "beside")
    text = f"FROM {base}\nCOPY --from={other} /version /other\nRUN cat /version /other > /both\n"
    (project / "Dockerfile").write_text(text)
    services = [ServiceSpec(name="app", build=ImageBuild())]
    step = StepSpec(name="x", service="app", script="cat /both")
    [(then, _)] = perform(step, services=services)
    built = then.images[built_for("app")]
    assert then.images == {base: old, other: other_id, built_for("app"): built}
    make_image(base, "new")
    make_image(other, "changed")

    [(whole, text_then)] = again(step, services=services, images=then.images)
    (project / "Dockerfile").write_text(text + "LABEL made=anew\n")
    bases = {name: image for name, image in then.images.items() if name != built_for("app")}
    [(rebuilt, shown)] = again(step, services=services, images=bases)

    assert (whole.images[built_for("app")], "was built then" in text_then) == (built, True)
    assert shown.endswith("old\nbeside\n")
    assert rebuilt.images[built_for("app")] != built
    assert {name: rebuilt.images[name] for name in bases} == bases


def test_an_image_that_was_built_and_is_gone_is_built_again(again, make_image, project):
    base = own_name()
    pins = {base: make_image(base, "old"), built_for("app"): f"sha256:{secrets.token_hex(32)}"}
    (project / "Dockerfile").write_text(f"FROM {base}\n")

    [(result, text)] = again(READ, services=[ServiceSpec(name="app", build=ImageBuild())], images=pins)

    assert result.outcome is Outcome.PASSED, text
    assert "it is built again" in text
    assert text.endswith("old\n")


def test_a_foreign_image_is_not_run_as_one_that_was_built_here(again, make_image, project, docker_image):
    foreign, base = make_image(own_name(), "foreign"), own_name()
    make_image(base, "own")
    (project / "Dockerfile").write_text(f"FROM {base}\n")

    [(_, text)] = again(
        READ, services=[ServiceSpec(name="app", build=ImageBuild())], images={built_for("app"): foreign}
    )

    assert text.endswith("own\n")


def test_a_digest_comes_from_its_registry_again_or_is_gone(perform, again, docker_engine):
    registry = Registry(archive())
    name = f"{registry.address}/kept:1"
    step = StepSpec(name="x", image=name, command=("echo", "ran"))
    try:
        [(then, _)] = perform(step)
        digest = then.images[name]
        assert digest.startswith(f"{registry.address}/kept@sha256:")
        docker_engine.images.remove(then.image_digest, force=True)

        [(pulled, text)] = again(step, images={name: digest})
        assert (pulled.outcome, text) == (Outcome.PASSED, f"Pulling image {digest}\nran\n")

        # The engine knows the manifest now: another that it never saw.
        registry.answers["kept"] = [(404, "MANIFEST_UNKNOWN")]
        sha = f"sha256:{secrets.token_hex(32)}"
        [(gone, _)] = again(step, images={name: f"{registry.address}/kept@{sha}"})
        assert gone.failure is Failure.SPEC
        assert gone.reason.startswith(f"The image {name} as it was then ({sha}) is gone: The image ")
    finally:
        registry.close()
        for image in docker_engine.images.list():
            if any(one.startswith(registry.address) for one in [*image.tags, *image.attrs["RepoDigests"]]):
                docker_engine.images.remove(image.id, force=True)

"""Push steps and private images, with a real registry that wants a password."""

from __future__ import annotations

import contextlib
import json
import secrets

import pytest
from docker.errors import DockerException, ImageNotFound

from runners.contract import Failure, ImageBuild, Outcome, PushSpec, ServiceSpec, StepKind, StepSpec, Stop
from runners.encryption import encrypt, new_key
from runners.engine import execute
from runners.errors import ImageError
from tests.runners.docker.conftest import attempt
from tests.runners.docker.private_registry import USER, PrivateRegistry, StumblingDoor
from tests.runners.jobs import run

pytestmark = pytest.mark.docker

KEY = new_key()
SECRETS = "registry.encrypted"


@pytest.fixture(scope="module")
def registry(docker_engine, tmp_path_factory):
    registry = PrivateRegistry(tmp_path_factory.mktemp("registry"))
    yield registry
    registry.close()


@pytest.fixture(scope="module")
def door(registry):
    door = StumblingDoor(registry)
    yield door
    door.close()


@pytest.fixture
def name() -> str:
    """Of an image that no other test pushes."""
    return f"shop/web-{secrets.token_hex(4)}"


@pytest.fixture
def app(project, docker_image) -> ServiceSpec:
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nRUN echo {secrets.token_hex(4)} > /made\n")
    return ServiceSpec(name="app", build=ImageBuild())


def seal(project, content: bytes) -> None:
    (project / SECRETS).write_text(encrypt(content, KEY))


def push(image: str, **fields) -> StepSpec:
    tag = fields.pop("image_tag", "")
    target = PushSpec(image_name=image, image_tag=tag, registry=fields.pop("registry", ""))
    values = {"name": "push", "service": "app", "encrypted_dockercfg_path": SECRETS, **fields}
    return StepSpec(kind=StepKind.PUSH, push=target, **values)


def forget(engine, *names: str) -> None:
    for one in names:
        with contextlib.suppress(DockerException):
            engine.images.remove(one, force=True)


@pytest.mark.parametrize("old", [False, True], ids=["config.json", ".dockercfg"])
def test_an_image_is_built_and_pushed_with_both_formats_of_credentials(perform, registry, project, app, name, old):
    seal(project, registry.dockercfg(old=old, address=f"http://{registry.address}/v1/"))

    [(result, text)] = perform(push(f"{registry.address}/{name}", image_tag="v1"), services=[app], key=KEY.text)

    assert result.outcome is Outcome.PASSED, text
    assert result.image_digest == f"{registry.address}/{name}@{registry.manifest(name, 'v1')}"
    assert registry.manifest(name, "v1") in text
    assert f"Pushing the image of service app to {registry.address}/{name}:v1" in text


def test_one_build_is_pushed_under_several_tags_and_the_registry_may_stand_beside_the_name(
    perform, registry, project, app, name
):
    seal(project, registry.dockercfg())
    steps = [push(name, registry=f"http://{registry.address}/", image_tag=tag) for tag in ("one", "")]

    results = perform(*steps, services=[app], key=KEY.text)

    assert [result.outcome for result, _ in results] == [Outcome.PASSED] * 2, results
    assert registry.manifest(name, "one") == registry.manifest(name, "latest") != ""
    assert "Building" not in results[1][1]


def test_a_wrong_password_is_the_projects_failure_and_nobody_sees_it(
    executor, make_job, recorder, registry, project, app, name
):
    wrong = secrets.token_urlsafe(18)
    seal(project, registry.dockercfg(password=wrong))

    result = execute(
        make_job(push(f"{registry.address}/{name}"), services=[app], key=KEY.text), executor, recorder, Stop()
    )

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.IMAGE)
    assert "did not take" in result.reason
    assert "encrypted_dockercfg_path" in result.reason
    assert wrong not in recorder.text(0) + result.reason
    assert "Trying again" not in recorder.text(0)


def test_without_credentials_nothing_is_pushed(perform, registry, app, name):
    step = push(f"{registry.address}/{name}", encrypted_dockercfg_path="")

    [(result, text)] = perform(step, services=[app])

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.IMAGE), text
    assert registry.manifest(name, "latest") == ""


def test_a_registry_that_stumbles_is_asked_again(perform, registry, door, project, app, name):
    seal(project, registry.dockercfg(address=door.address))
    door.stumbles, door.refused = 1, 0

    [(result, text)] = perform(push(f"{door.address}/{name}"), services=[app], key=KEY.text)

    assert result.outcome is Outcome.PASSED, text
    assert door.refused == 1
    assert "Trying again" in text


def test_a_registry_that_never_answers_is_our_failure(executor, make_job, registry, door, project, app, name):
    seal(project, registry.dockercfg(address=door.address))
    door.stumbles, step, stop = 99, push(f"{door.address}/{name}"), Stop()

    with (
        executor.workspace(make_job(step, services=[app], key=KEY.text), stop, lambda _: None) as workspace,
        pytest.raises(ImageError) as caught,
    ):
        attempt(workspace, step, stop)

    door.stumbles = 0
    assert caught.value.retry


def test_what_is_pushed_leaves_no_name_behind_for_other_projects(perform, registry, project, app, docker_engine, name):
    seal(project, registry.dockercfg())
    theirs = f"{registry.address}/{name}:taken"
    docker_engine.images.get("ciservice-test-busybox:latest").tag(theirs)
    before = docker_engine.images.get(theirs).id

    perform(
        push(f"{registry.address}/{name}", image_tag="free"),
        push(f"{registry.address}/{name}", image_tag="taken"),
        services=[app],
        key=KEY.text,
    )

    assert docker_engine.images.get(theirs).id == before
    assert registry.manifest(name, "taken") == registry.manifest(name, "free") != ""
    with pytest.raises(ImageNotFound):
        docker_engine.images.get(f"{registry.address}/{name}:free")
    forget(docker_engine, theirs)


@pytest.fixture
def private_image(perform, registry, project, docker_engine, docker_image, name) -> str:
    """The name of an image that the registry has, and the engine does not."""
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nRUN echo private > /private\n")
    seal(project, registry.dockercfg())
    [(result, text)] = perform(
        push(f"{registry.address}/{name}"), services=[ServiceSpec(name="app", build=ImageBuild())], key=KEY.text
    )
    assert result.outcome is Outcome.PASSED, text
    (project / "Dockerfile").unlink()
    return f"{registry.address}/{name}"


def test_a_private_image_is_pulled_for_who_may_and_for_nobody_else(perform, private_image):
    with_login = ServiceSpec(name="app", image=private_image, encrypted_dockercfg_path=SECRETS)
    without = ServiceSpec(name="app", image=private_image)
    step = run("read", "cat /private", service="app")

    [(first, text), (second, again)] = perform(step, step, services=[with_login], key=KEY.text)
    [(stranger, refusal)] = perform(step, services=[without])

    assert (first.outcome, second.outcome) == (Outcome.PASSED, Outcome.PASSED), text
    assert first.image_digest.startswith(f"{private_image}@sha256:")
    assert again == "private\n"  # got once for the job
    assert (stranger.outcome, stranger.failure) == (Outcome.FAILED, Failure.SPEC), refusal


@pytest.mark.parametrize(
    "line", ["FROM {image}", "ARG BASE={image}\nFROM $BASE", "FROM {local}\nCOPY --from={image} /private /private"]
)
def test_a_dockerfile_begins_from_a_private_image(perform, private_image, project, docker_image, line):
    (project / "Dockerfile").write_text(line.format(image=private_image, local=docker_image) + "\nRUN cat /private\n")
    app = ServiceSpec(name="app", build=ImageBuild())
    step = run("read", "cat /private", service="app")

    [(result, text)] = perform(
        StepSpec(name="x", service="app", command=("cat", "/private"), encrypted_dockercfg_path=SECRETS),
        services=[app],
        key=KEY.text,
    )
    [(stranger, _)] = perform(step, services=[app])

    assert result.outcome is Outcome.PASSED, text
    assert "ciservice-kept" not in text
    assert stranger.outcome is not Outcome.PASSED


def test_a_service_writes_the_credentials_to_the_path_that_it_is_told(
    executor, make_job, recorder, registry, project, app, docker_image, name
):
    (project / "given").mkdir()
    (project / "given" / "config").write_bytes(registry.dockercfg())
    (project / "Generator").write_text(
        f"FROM {docker_image}\nCOPY given/config /config\nUSER nobody\n"
        'ENTRYPOINT ["/bin/sh", "-c", "echo asked && cat /config > \\"$1\\"", "sh"]\n'
    )
    generator = ServiceSpec(name="generator", build=ImageBuild(dockerfile="Generator"))
    step = push(f"{registry.address}/{name}", encrypted_dockercfg_path="", dockercfg_service="generator")

    result = execute(
        make_job(step, run("late", f"echo {registry.password}", service="app"), services=[app, generator]),
        executor,
        recorder,
        Stop(),
    )

    assert result.outcome is Outcome.PASSED, recorder.text(0)
    assert "asked" in recorder.text(0)
    assert registry.manifest(name, "latest") in recorder.text(0)
    assert recorder.text(1).endswith("[hidden]\n")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", "did not pass"),
        ("true", "without writing the credentials"),
        ("ln -s /etc/passwd $1", "without writing the credentials"),
        ("echo '{' > $1", "Failed to parse dockercfg"),
    ],
)
def test_a_service_that_gives_no_credentials_is_named(perform, registry, app, docker_image, name, script, words):
    generator = ServiceSpec(name="generator", image=docker_image, entrypoint=("/bin/sh", "-c", script, "sh"))
    step = push(f"{registry.address}/{name}", encrypted_dockercfg_path="", dockercfg_service="generator")

    [(result, _)] = perform(step, services=[app, generator])

    assert result.outcome is Outcome.FAILED
    assert words in result.reason
    assert "generator" in result.reason


def test_a_service_that_needs_its_own_credentials_is_refused(perform, registry, app, name):
    generator = ServiceSpec(name="generator", image=f"{registry.address}/{name}", dockercfg_service="generator")
    step = push(f"{registry.address}/{name}", encrypted_dockercfg_path="", dockercfg_service="generator")

    [(result, _)] = perform(step, services=[app, generator])

    assert result.failure is Failure.SPEC
    assert "its own credentials" in result.reason


def test_credentials_never_lie_about_on_the_runner(executor, make_job, settings, registry, project, app, name):
    seal(project, registry.dockercfg())
    step, stop = push(f"{registry.address}/{name}"), Stop()
    job = make_job(step, services=[app], key=KEY.text)

    with executor.workspace(job, stop, lambda _: None) as workspace:
        result, text = attempt(workspace, step, stop)
        files = [path for path in (settings.workspaces / job.name).rglob("*") if path.is_file()]
        written = b"".join(path.read_bytes() for path in files)

    assert result.outcome is Outcome.PASSED, text
    assert registry.password.encode() not in written


def test_a_push_through_the_engine_says_whose_it_is(perform, registry, project, app, name):
    seal(project, json.dumps({"auths": {"quay.io": {"username": USER, "password": "x-y-z-1"}}}).encode())

    [(result, text)] = perform(push(f"{registry.address}/{name}"), services=[app], key=KEY.text)

    assert result.outcome is Outcome.FAILED
    assert f"the credentials are for quay.io, none for {registry.address}" in text

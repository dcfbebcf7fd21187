"""Dockerfiles that only BuildKit understands, and who may build them."""

from __future__ import annotations

import secrets
import threading

import pytest

from runners.contract import Failure, ImageBuild, Outcome, ServiceSpec, Stop, StopReason
from runners.encryption import encrypt, new_key
from runners.engine import execute
from runners.errors import EngineError
from runners.executors.docker.buildkit import find_client
from runners.executors.docker.executor import DockerExecutor
from tests.runners.docker.conftest import attempt
from tests.runners.jobs import run
from tests.servers import wait_until

pytestmark = pytest.mark.docker

APP = ServiceSpec(name="app", build=ImageBuild())
needs_client = pytest.mark.skipif(not find_client(), reason="no docker program here speaks to BuildKit")


@needs_client
def test_caches_and_secrets_of_run_lines_work(perform, docker_image, project):
    (project / "note").write_text("from the context\n")
    (project / "Dockerfile").write_text(
        f"FROM {docker_image}\nARG GREETING\nCOPY --chmod=600 note /note\n"
        'RUN --mount=type=cache,target=/cache echo "$GREETING" > /cache/x && cp /cache/x /greeting\n'
    )
    app = ServiceSpec(name="app", build=ImageBuild(args={"GREETING": "hello there"}))

    [(result, text)] = perform(
        run("read", "cat /note /greeting; stat -c %a /note; ls /cache", service="app"), services=[app]
    )

    assert result.outcome is Outcome.PASSED, text
    assert text.endswith("from the context\nhello there\n600\n")
    assert "RUN --mount=type=cache" in text


@needs_client
def test_it_begins_from_images_of_the_job(perform, docker_image, project):
    base = f"base-{secrets.token_hex(4)}"
    (project / "Base").write_text(f"FROM {docker_image}\nRUN echo base > /base\n")
    (project / "Dockerfile").write_text(f"FROM {base}\nRUN --mount=type=cache,target=/c cat /base\n")

    [(result, text)] = perform(
        run("read", "cat /base", service="app"),
        services=[ServiceSpec(name="base", build=ImageBuild(dockerfile="Base", tag=base)), APP],
    )

    assert result.outcome is Outcome.PASSED, text
    assert f"FROM {base}" in text
    assert "ciservice-kept" not in text


@needs_client
def test_a_failing_line_is_the_projects_failure(perform, docker_image, project):
    (project / "Dockerfile").write_text(
        f"FROM {docker_image}\nRUN --mount=type=cache,target=/c echo trying && exit 7\n"
    )

    [(result, text)] = perform(run("x", "true", service="app"), services=[APP])

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.IMAGE)
    assert "exit code: 7" in result.reason
    assert "trying" in text


@needs_client
def test_encrypted_arguments_reach_the_build_and_no_log(executor, make_job, recorder, docker_image, project):
    key, token = new_key(), secrets.token_urlsafe(12)
    (project / "Dockerfile").write_text(
        f"FROM {docker_image}\nARG TOKEN\nARG PLAIN\nRUN --mount=type=cache,target=/c echo got:$TOKEN:$PLAIN\n"
    )
    (project / "args.encrypted").write_text(encrypt(f"TOKEN={token}\n".encode(), key))
    build = ImageBuild(args={"TOKEN": "over", "PLAIN": "p"}, encrypted_args_files=("args.encrypted",))
    step = run("x", "true", service="app")

    result = execute(
        make_job(step, services=[ServiceSpec(name="app", build=build)], key=key.text), executor, recorder, Stop()
    )

    assert result.outcome is Outcome.PASSED, recorder.text(0)
    assert "got:[hidden]:p" in recorder.text(0)
    assert token not in recorder.text(0)


@pytest.mark.parametrize("name", ["LD_PRELOAD", "DOCKER_HOST", "PATH", "https_proxy", "GODEBUG", "A=B"])
@needs_client
def test_encrypted_arguments_cannot_steer_programs_of_the_runner(perform, docker_image, project, name):
    key = new_key()
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nRUN --mount=type=cache,target=/c true\n")
    build = ImageBuild(encrypted_args=(encrypt(f"{name}=/tmp/x\n".encode(), key),))

    [(result, _)] = perform(
        run("x", "true", service="app"), services=[ServiceSpec(name="app", build=build)], key=key.text
    )

    if name != "A=B":  # the name ends at the first sign: A is as good as any
        assert result.failure is Failure.SPEC
        assert name in result.reason


@needs_client
def test_a_strangers_changes_are_built_without_it(perform, docker_image, project):
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nRUN --mount=type=cache,target=/c true\n")

    [(result, _)] = perform(run("x", "true", service="app"), services=[APP], is_strangers=True)

    assert result.failure is Failure.SPEC
    assert "fork" in result.reason
    assert "IMAGE_BUILDER" in result.reason


@needs_client
def test_an_order_to_stop_ends_the_build_and_its_program(executor, make_job, docker_image, project):
    (project / "Dockerfile").write_text(
        f"FROM {docker_image}\nRUN --mount=type=cache,target=/c echo begun-{secrets.token_hex(4)} && sleep 600\n"
    )
    step, stop, heard = run("x", "true", service="app"), Stop(), []
    with executor.workspace(make_job(step, services=[APP]), stop, lambda _: None) as workspace:
        results = []
        thread = threading.Thread(target=lambda: results.append(workspace.run(step, heard.append, stop)))
        thread.start()
        wait_until(lambda: b"begun-" in b"".join(heard).split(b"RUN")[-1] or b" begun-" in b"".join(heard))
        stop.order(StopReason.CANCELLED)
        thread.join(60)

    assert results[0].outcome is Outcome.CANCELLED


@needs_client
def test_run_lines_cannot_take_the_hosts_network_or_its_rights(perform, docker_image, project):
    for line in ("RUN --network=host true", "RUN --security=insecure true"):
        (project / "Dockerfile").write_text(f"FROM {docker_image}\n{line}\n")

        [(result, _)] = perform(run("x", "true", service="app"), services=[APP])

        assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.IMAGE)


def _executor_with(settings, tmp_path, **fields) -> DockerExecutor:
    values = {**settings.__dict__, "data_dir": tmp_path / "data", "instance": f"test-{secrets.token_hex(4)}", **fields}
    return DockerExecutor(type(settings)(**values))


@needs_client
@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_the_operator_decides(settings, tmp_path, make_job, docker_image, project, builder):
    executor = _executor_with(settings, tmp_path, image_builder=builder)
    executor.open()
    try:
        (project / "Dockerfile").write_text(f"FROM {docker_image}\nRUN echo plain-{secrets.token_hex(4)}\n")
        step, stop = run("x", "true", service="app"), Stop()
        with executor.workspace(make_job(step, services=[APP]), stop, lambda _: None) as workspace:
            result, text = attempt(workspace, step, stop)
        assert result.outcome is Outcome.PASSED, text
        assert ("Step 2/" in text) is (builder == "classic")
        assert ("exporting to image" in text) is (builder == "buildkit")

        (project / "Dockerfile").write_text(f"FROM {docker_image}\nRUN --mount=type=cache,target=/c true\n")
        with executor.workspace(make_job(step, services=[APP]), stop, lambda _: None) as workspace:
            result, _ = attempt(workspace, step, stop)
        assert (result.failure is Failure.SPEC) is (builder == "classic")
    finally:
        executor.close()


def test_without_a_program_the_refusal_says_what_is_missing(executor, make_job, docker_image, project, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    find_client.cache_clear()
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nRUN --mount=type=cache,target=/c true\n")
    step, stop = run("x", "true", service="app"), Stop()
    try:
        with (
            executor.workspace(make_job(step, services=[APP]), stop, lambda _: None) as workspace,
            pytest.raises(EngineError, match="docker program") as caught,
        ):
            attempt(workspace, step, stop)
    finally:
        monkeypatch.undo()
        find_client.cache_clear()
    assert caught.value.retry is False

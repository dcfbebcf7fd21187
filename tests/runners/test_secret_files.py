"""Secrets that are files: there for the job's user alone, outside of the checkout, and gone with the job."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from runners.contract import JobResult, Link, Outcome, ServiceSpec, StepSpec, Stop
from runners.engine import execute
from runners.executors import make_executor
from runners.executors.config import ExecutorSettings
from runners.secret_files import with_paths, with_texts
from tests.runners.jobs import Recorder, run
from tests.servers import wait_until

DOCKER = pytest.param("docker", marks=pytest.mark.docker)
KEY = "\n".join(["-----BEGIN OF A KEY-----", *(secrets.token_hex(24) for _ in range(3)), "-----END OF A KEY-----", ""])
LOOK = (
    'stat -c "%a %s" "$SSH_KEY"; id -u; stat -c %u "$SSH_KEY"; wc -c < "$SSH_KEY"; env | grep -c "END OF A KEY" || true'
)


@pytest.fixture(scope="module", params=["process", DOCKER])
def settings(request, tmp_path_factory) -> ExecutorSettings:
    image = request.getfixturevalue("docker_image") if request.param == "docker" else ""
    return ExecutorSettings(
        name=request.param,
        data_dir=tmp_path_factory.mktemp(request.param),
        default_image=image,
        docker_url=os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"),
        instance=f"files-{os.getpid()}",
        pids=128,
    )


@pytest.fixture(scope="module")
def executor(settings):
    executor = make_executor(settings)
    executor.open()
    yield executor
    executor.close()


@pytest.fixture
def work(executor, make_job, settings):
    """Runs steps as a runner does: the result, and the log."""

    def work(*steps: StepSpec, recorder: Recorder | None = None, **fields) -> tuple[JobResult, str]:
        job = make_job(*steps, image=settings.default_image, secret_files={"SSH_KEY": KEY}, **fields)
        recorder = recorder or Recorder()
        result = execute(job, executor, recorder, Stop())
        wait_until(lambda: not files_with_it(settings), what="the removal of the files")
        return result, "".join(recorder.text(*path) for path in sorted(recorder.outputs))

    return work


def files_with_it(settings: ExecutorSettings) -> list[Path]:
    """Files of the runner that hold the key."""
    files = [path for path in settings.data_dir.rglob("*") if path.is_file()]
    return [path for path in files if KEY in path.read_text(errors="ignore")]


def test_a_step_finds_it_by_its_variable_and_no_log_has_a_line_of_it(work):
    result, log = work(
        run("look", LOOK), run("print", 'cat "$SSH_KEY"; base64 "$SSH_KEY" | head -n 1; sed -n 2p "$SSH_KEY"')
    )
    assert result.outcome is Outcome.PASSED, log
    lines = log.splitlines()
    assert lines[0] == f"600 {len(KEY)}"
    assert lines[1] == lines[2], "it is its user's own"
    assert lines[4] == "0", "no variable has the text"
    for line in KEY.strip().splitlines():
        assert line not in log
    assert "[hidden]" in log


def test_it_is_not_in_the_checkout(work):
    result, log = work(run("search", 'case "$SSH_KEY" in "$PWD"/*) exit 9;; esac; ! grep -r "END OF A KEY" . ; pwd'))
    assert result.outcome is Outcome.PASSED, log


@pytest.mark.parametrize("settings", [DOCKER], indirect=True)
@pytest.mark.parametrize("user", ["", "1234", "1234:4321", "nobody"])
def test_the_containers_own_user_can_read_it(work, settings, user):
    service = ServiceSpec(name="app", image=settings.default_image, user=user)
    step = StepSpec(name="look", service="app", command=("sh", "-c", f'{LOOK}; cat "$SSH_KEY" > /dev/null'))
    result, log = work(step, services=(service,))
    assert result.outcome is Outcome.PASSED, log
    lines = log.splitlines()
    assert lines[0] == f"600 {len(KEY)}"
    assert lines[1] == lines[2]


@pytest.mark.parametrize("settings", [DOCKER], indirect=True)
def test_services_have_it_too_and_the_engine_tells_only_its_path(work, settings, docker_engine):
    told: list[str] = []

    class Asking(Recorder):
        def output(self, path, data: bytes) -> None:
            super().output(path, data)
            if b"ready" in data:
                told.extend(
                    str(one.attrs) for one in docker_engine.containers.list() if settings.instance in str(one.labels)
                )

    database = ServiceSpec(name="db", image=settings.default_image, command=("sh", "-c", 'wc -c "$SSH_KEY"; sleep 60'))
    app = ServiceSpec(name="app", image=settings.default_image, depends_on=(Link(service="db"),))
    step = StepSpec(name="look", service="app", command=("sh", "-c", 'echo ready; sleep 2; cat "$SSH_KEY" > /dev/null'))
    result, log = work(step, services=(app, database), recorder=Asking())
    assert result.outcome is Outcome.PASSED, log
    assert f"{len(KEY)} /run/ciservice/SSH_KEY" in log
    assert sum("SSH_KEY=/run/ciservice/SSH_KEY" in each for each in told) == 2
    assert not any(line in each for each in told for line in KEY.strip().splitlines())


def test_as_variables_they_are_paths_and_for_targets_texts(make_job):
    job = make_job(run("x", "true"), secrets={"TOKEN": "value"}, secret_files={"SSH_KEY": KEY})
    assert with_paths(job, "/there").secrets == {"TOKEN": "value", "SSH_KEY": "/there/SSH_KEY"}
    assert with_texts(job).secrets == {"TOKEN": "value", "SSH_KEY": KEY}
    assert "END OF A KEY" not in repr(job)

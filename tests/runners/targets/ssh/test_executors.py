"""A deploy step is the same whatever runs the steps beside it: it sends what they built."""

from __future__ import annotations

import pytest

from runners.contract import DirectorySource, Outcome, StepKind, StepSpec, Stop, TargetSpec
from runners.engine import execute
from runners.executors import make_executor
from tests.docker_images import docker_image  # noqa: F401 - a fixture
from tests.runners.jobs import run
from tests.runners.targets.releases import lay


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def kind(request) -> str:
    return request.param


@pytest.fixture
def image(kind, request) -> str:
    return request.getfixturevalue("docker_image") if kind == "docker" else ""


def test_what_a_step_built_is_delivered(host, kind, image, make_settings, make_job, recorder, tmp_path):
    executor = make_executor(make_settings(kind, default_image=image))
    executor.open()
    settings = host.given(folder="dist").model_dump(mode="json", exclude_defaults=True)
    job = make_job(
        run("build", 'mkdir dist; echo "built $CI_RELEASE" > dist/release.txt; ln -s /etc/passwd dist/passwd'),
        StepSpec(
            name="out", kind=StepKind.DEPLOY, target=TargetSpec(kind="ssh", settings={**settings, "key": "${KEY}"})
        ),
        run("after", "cat dist/release.txt"),
        image=image,
        source=DirectorySource(path=lay(tmp_path / "checkout", {"main.c": "int main;"})),
        environment={"CI_RELEASE": "7", "CI_ENVIRONMENT": "production", "CI_COMMIT_ID": "7" * 40},
        secrets={"KEY": host.key},
        target_hosts=("127.0.0.1",),
    )
    try:
        result = execute(job, executor, recorder, Stop())
    finally:
        executor.close()

    assert result.outcome is Outcome.PASSED, recorder.text(1)
    assert (host.disk() / "current/release.txt").read_text() == "built 7\n"
    assert sorted(path.name for path in (host.disk() / "current").iterdir()) == ["release.txt"]
    assert recorder.text(2) == "built 7\n"

"""From the text of CodeShip's files to what runs: plans made here, walked by the real engine on the fake executor."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from runners.contract import DirectorySource, JobSpec, Outcome, Stop
from runners.engine import execute
from runners.executors import make_executor
from runners.executors.config import ExecutorSettings
from tests.builds.pipeline.helpers import codeship, native
from tests.runners.jobs import Recorder

PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
SERVICES = """
app: {image: x, environment: {WHO: app, TZ: UTC}}
db: {image: y, environment: {WHO: db}}
"""


@pytest.fixture
def go(tmp_path: Path):
    """Runs the only pipeline of a plan; gives the job's outcome and what the engine told."""

    def go(plan, **fields: object) -> tuple[Outcome, Recorder]:
        (pipeline,) = plan.pipelines
        job = JobSpec(
            job_id=str(uuid.uuid4()), epoch=1, pipeline=pipeline, source=DirectorySource(path=tmp_path), **fields
        )
        recorder = Recorder()
        executor = make_executor(ExecutorSettings(name="fake", data_dir=tmp_path))
        return execute(job, executor, recorder, Stop()).outcome, recorder

    return go


def outcomes(recorder: Recorder) -> dict[str, Outcome]:
    return {recorder.names[path]: result.outcome for path, result in sorted(recorder.results.items())}


def test_siblings_finish_when_one_fails_and_what_follows_is_left_out(go) -> None:
    steps = """
        - name: together
          type: parallel
          service: app
          steps: [{name: good, command: print fine}, {name: bad, command: exit 2}, {name: late, command: print later}]
        - {name: deploy, service: app, command: print deployed}
    """
    outcome, recorder = go(codeship(steps, SERVICES))
    assert outcome is FAILED
    assert outcomes(recorder) == {"together": FAILED, "good": PASSED, "bad": FAILED, "late": PASSED, "deploy": SKIPPED}


def test_a_matrix_runs_its_steps_for_every_service(go) -> None:
    steps = "- {type: matrix, services: [app, db], steps: [{type: parallel, steps: [{command: print-env WHO}]}]}"
    outcome, recorder = go(codeship(steps, SERVICES))
    assert outcome is PASSED
    assert (recorder.text(0, 0, 0, 0).splitlines()[-1], recorder.text(0, 1, 0, 0)) == ("WHO=app", "WHO=db\n")


@pytest.mark.parametrize(
    ("branch", "ran"),
    [("master", ["test", "deploy", "docs"]), ("master-rebase", ["test", "docs"]), ("dev", ["test"])],
)
def test_only_what_is_for_the_branch_runs(go, branch: str, ran: list[str]) -> None:
    steps = """
        - {name: test, service: app, command: print a}
        - type: serial
          service: app
          tag: ^master
          steps: [{name: deploy, tag: master, command: print b}, {name: docs, command: print c}]
    """
    _, recorder = go(codeship(steps, SERVICES, branch))
    passed = [name for name, outcome in outcomes(recorder).items() if outcome is PASSED]
    assert [name for name in passed if name != "serial"] == ran


def test_a_build_whose_steps_are_all_left_out_passes(go) -> None:
    outcome, recorder = go(codeship("- {name: a, service: app, command: exit 1, tag: elsewhere}", SERVICES))
    assert outcome is PASSED
    assert recorder.result("a").outcome is SKIPPED
    assert recorder.result("a").reason == "only for elsewhere"


def test_whose_variables_win(go) -> None:
    text = """
services: {app: {image: x, environment: {A: service, B: service}}}
environment: {A: pipeline, B: pipeline, C: pipeline, D: pipeline}
steps:
  - environment: {B: group, D: group}
    serial: [{service: app, environment: {D: step}, run: "print-env A\\nprint-env B\\nprint-env C\\nprint-env D\\nprint-env E"}]
"""
    _, recorder = go(native(text), environment=dict.fromkeys("ABCDE", "job"))
    assert recorder.text(0, 0).splitlines()[-5:] == ["A=service", "B=group", "C=pipeline", "D=step", "E=job"]


def test_a_tag_build_is_matched_by_the_tags_name(go) -> None:
    plan = codeship("- {name: a, service: app, command: print x, tag: '^v[0-9]+$'}", SERVICES, "v12", is_tag=True)
    assert go(plan)[1].result("a").outcome is PASSED


def test_what_a_stranger_wrote_stays_one_value_of_a_build_argument() -> None:
    services = "app: {build: {args: {M: '{{ .CommitMessage }}'}}}"
    (spec,) = codeship("- {service: app, command: ls}", services, message="Fix `x`; $(y)").pipelines[0].services
    assert spec.build.args == {"M": "Fix `x`; $(y)"}

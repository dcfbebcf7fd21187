"""Pipelines of a project's settings, as the ciservice.yml that does the same."""

from __future__ import annotations

import pytest

from builds.pipeline.basic import (
    Kept,
    KeptDeployment,
    KeptPipeline,
    Match,
    kept_from_json,
    kept_to_json,
    to_yaml,
)
from builds.pipeline.make import make
from builds.pipeline.one_session import one_session
from builds.pipeline.plan import PlanContext

TESTS = KeptPipeline(name="Test Commands", commands="npm test\n# off\n")
LINT = KeptPipeline(name="lint", commands="npm run lint")
KEPT = Kept(
    image="node:22",
    setup="npm ci\nexport NODE_ENV=test",
    pipelines=(TESTS, LINT, KeptPipeline(name="empty", commands="# nothing\n\n")),
    deployments=(KeptDeployment(name="production", match=Match.EXACTLY, branch="main", commands="./deploy"),),
)


def planned(kept, branch="main"):
    return make({"ciservice.yml": to_yaml(kept)}, PlanContext(branch=branch, commit="0" * 40))


def scripts(pipeline):
    return [step.script for step in pipeline.steps]


def test_it_reads_well():
    assert to_yaml(KEPT) == (
        "image: 'node:22'\n"
        "pipelines:\n"
        "  Test Commands:\n"
        "    steps:\n"
        "      - commands:\n"
        "          - npm ci\n"
        "          - export NODE_ENV=test\n"
        "          - npm test\n"
        "  lint:\n"
        "    steps:\n"
        "      - commands:\n"
        "          - npm ci\n"
        "          - export NODE_ENV=test\n"
        "          - npm run lint\n"
        "deployments:\n"
        "  production:\n"
        "    branch: main\n"
        "    steps:\n"
        "      - commands:\n"
        "          - ./deploy\n"
    )


def test_every_pipeline_runs_the_set_up_and_its_own_commands_in_one_session():
    plan = planned(KEPT)
    assert [pipeline.name for pipeline in plan.pipelines] == ["Test Commands", "lint"]
    assert scripts(plan.pipelines[0]) == [one_session(["npm ci", "export NODE_ENV=test", "npm test"])]
    assert plan.pipelines[0].image == "node:22"


def test_a_single_pipelines_state_is_made_again_for_the_deployment():
    (deployment,) = planned(Kept(setup="npm ci", pipelines=(TESTS,), deployments=KEPT.deployments)).deployments
    assert scripts(deployment.pipeline) == [one_session(["npm ci", "./deploy"])]


@pytest.mark.parametrize(
    ("match", "rule", "branch", "applies"),
    [
        (Match.EXACTLY, "main", "main", True),
        (Match.EXACTLY, "main", "main2", False),
        (Match.EXACTLY, "cash$", "cash$", True),
        (Match.EXACTLY, "cash$", "cash", False),
        (Match.STARTS_WITH, "release/", "release/1.2", True),
        (Match.STARTS_WITH, "release/", "prerelease/1.2", False),
        (Match.STARTS_WITH, "%", "anything", True),
    ],
)
def test_rules_of_branches(match, rule, branch, applies):
    kept = Kept(
        deployments=(KeptDeployment(name="x", match=match, branch=rule, commands="./deploy"),), pipelines=(LINT,)
    )
    assert planned(kept, branch).deployments[0].applies is applies


@pytest.mark.parametrize(
    "text", ["echo 'it''s'", "a: b", "- x", "true", "#x", "{a}", "&a", "*", "é: ü", "%", "a #b", "x:"]
)
def test_any_text_comes_back_as_it_was(text):
    kept = Kept(pipelines=(KeptPipeline(name="t", commands=f"echo {text}"), KeptPipeline(name=text, commands="ls")))
    plan = planned(kept)
    assert scripts(plan.pipelines[0]) == [one_session([f"echo {text}"])]
    assert plan.pipelines[1].name == text


def test_it_is_stored_as_json():
    assert kept_from_json(kept_to_json(KEPT)) == KEPT

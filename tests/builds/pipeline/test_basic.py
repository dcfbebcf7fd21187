"""Pipelines of a project's settings, as the ciservice.yml that does the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builds.pipeline.basic import (
    SECRETS,
    Kept,
    KeptDeployment,
    KeptPipeline,
    Match,
    Way,
    kept_from_json,
    kept_to_json,
    to_yaml,
)
from builds.pipeline.make import make
from builds.pipeline.one_session import one_session
from builds.pipeline.plan import ConfigError, PlanContext

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


def to(way, **settings):
    return KeptDeployment(name="live", match=Match.EXACTLY, branch="main", way=way, settings=settings)


SHOP = to(Way.HEROKU, name="shop-1", folder="app", post_deploy="rake db:migrate # ${X}", check_url=True)
BUCKET = to(Way.S3, local_path="public", s3_bucket="shop/www", region="eu-central-1", acl="public-read")
BEANSTALK = to(Way.ELASTIC_BEANSTALK, application_name="shop", environment_name="live", s3_bucket="abc")
CODE_DEPLOY = to(Way.CODE_DEPLOY, application_name="shop", deployment_group_name="web", s3_bucket="abc")


def test_codeships_types_are_targets_whose_keys_are_secrets():
    assert to_yaml(Kept(deployments=(replace(SHOP, name="production"),))) == (
        "deployments:\n"
        "  production:\n"
        "    branch: main\n"
        "    steps:\n"
        "      - deploy:\n"
        "          heroku:\n"
        "            name: shop-1\n"
        "            folder: app\n"
        "            post_deploy: 'rake db:migrate # ${X}'\n"
        "            check_url: true\n"
        "            api_key: '${HEROKU_API_KEY}'\n"
    )


@pytest.mark.parametrize("deployment", [SHOP, BUCKET, BEANSTALK, CODE_DEPLOY])
def test_every_type_is_planned_with_its_settings(deployment):
    (step,) = planned(Kept(deployments=(deployment,))).deployments[0].pipeline.steps
    assert step.target.kind == deployment.way
    secrets = {name: f"${{{secret}}}" for name, secret in SECRETS[deployment.way].items()}
    assert step.target.settings == {**deployment.settings, **secrets}


def test_what_a_type_lacks_is_said_when_it_is_planned():
    with pytest.raises(ConfigError, match=r"`application_name` of `code_deploy`: it is needed"):
        planned(Kept(deployments=(to(Way.CODE_DEPLOY, deployment_group_name="web", s3_bucket="abc"),)))


def test_deployments_of_one_name_are_steps_in_their_order():
    script = KeptDeployment(name="live", match=Match.EXACTLY, branch="main", commands="./tell")
    kept = Kept(deployments=(script, BUCKET, replace(script, commands="# off"), replace(script, commands="./more")))
    (live,) = planned(kept).deployments
    first, second, third = live.pipeline.steps
    assert (first.script, second.target.kind, third.script) == (one_session(["./tell"]), "s3", one_session(["./more"]))


def test_a_single_pipelines_state_is_made_again_for_a_target():
    kept = Kept(setup="npm ci\nnpm run build", pipelines=(TESTS,), deployments=(BUCKET,))
    first, second = planned(kept).deployments[0].pipeline.steps
    assert (first.script, second.target.kind) == (one_session(["npm ci", "npm run build"]), "s3")


def test_it_is_stored_as_json():
    kept = replace(KEPT, deployments=(*KEPT.deployments, SHOP, BUCKET))
    assert kept_from_json(kept_to_json(kept)) == kept


def test_what_was_stored_before_there_were_types_is_a_script():
    old = {"deployments": [{"name": "x", "match": "exactly", "branch": "main", "commands": "./deploy"}]}
    assert kept_from_json(old).deployments[0].way is Way.SCRIPT

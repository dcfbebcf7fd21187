"""A deploy step to AWS through the engine: in the process of its own, behind its fence."""

from __future__ import annotations

import uuid

import pytest

from runners.contract import Failure, Outcome, StepKind, StepSpec, Stop, TargetSpec
from runners.engine import execute
from runners.executors import make_executor
from tests.runners.jobs import run
from tests.runners.targets.aws.conftest import REGION


@pytest.fixture
def go(aws, make_settings, make_job, recorder):
    """Builds a page and sends it; `hosts` is what the operator allows."""
    aws.client("s3").create_bucket(Bucket="shop-web", CreateBucketConfiguration={"LocationConstraint": REGION})
    executor = make_executor(make_settings("process"))
    executor.open()
    told = {
        "CI_RELEASE": "12",
        "CI_ENVIRONMENT": "production",
        "CI_COMMIT_ID": "c" * 40,
        "CI_PROJECT_ID": str(uuid.uuid4()),
    }

    def go(hosts=("127.0.0.1",), **settings):
        known = {
            "s3_bucket": "shop-web/${CI_ENVIRONMENT}",
            "local_path": "public",
            "region": REGION,
            "endpoint_url": aws.url,
        }
        target = TargetSpec(kind="s3", settings={**known, **settings})
        step = StepSpec(name="out", kind=StepKind.DEPLOY, target=target)
        build = run("build", "mkdir -p public && echo 12 > public/index.html")
        job = make_job(build, step, environment={**told, **aws.values}, target_hosts=hosts)
        return execute(job, executor, recorder, Stop())

    return go


def test_a_site_is_sent_from_the_checkout(aws, go, recorder):
    result = go()

    assert result.outcome is Outcome.PASSED, recorder.text(1)
    page = aws.client("s3").get_object(Bucket="shop-web", Key="production/index.html")
    assert page["Body"].read() == b"12\n"
    assert "sent index.html" in recorder.text(1)


def test_the_runner_itself_is_out_of_reach_and_that_is_said(aws, go, recorder):
    aws.calls.clear()
    result = go(hosts=())

    assert result.outcome is Outcome.FAILED
    assert "127.0.0.1 lies on the runner itself" in recorder.text(1)
    assert not aws.calls


def test_a_setting_that_does_not_exist_is_the_projects_mistake(go):
    result = go(local_pth="public")

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.SPEC)
    assert "local_pth: there is no such setting; did you mean “local_path”?" in result.reason

"""A deployment group gets the revision of a release. moto keeps deployments and revisions; how they go on is played here."""

from __future__ import annotations

import io
import zipfile

import pytest

from runners.targets.code_deploy import target
from runners.targets.code_deploy.settings import Settings
from runners.targets.code_deploy.target import deliver, running
from runners.targets.contract import TargetError
from tests.runners.targets.aws.conftest import REGION, Place, answer, refusal
from tests.runners.targets.contract import TargetContract
from tests.runners.targets.releases import PROJECT, Log, lay, release

MARK = f"release-12-{12:040x}"[: len("release-12-") + 12] + f"-{PROJECT[:8]}"
FILES = {"appspec.yml": "version: 0.0", "app.py": "print(12)"}


class Group:
    """Goes on with every look at a deployment, as AWS would: `InProgress`, then `ends`."""

    def __init__(self, aws) -> None:
        self.aws = aws
        self.ends = "Succeeded"
        self.last = ""
        self.error = {}
        aws.on("GetDeployment", self._look)
        aws.on("GetDeploymentGroup", self._tell_last)

    @property
    def deployments(self) -> dict:
        return self.aws.backend("codedeploy").deployments

    def _look(self, call):
        identity = call.json["deploymentId"]
        if (one := self.deployments.get(identity)) is None:
            return None
        following = {"Created": "InProgress", "InProgress": self.ends}
        one.status = following.get(one.status, one.status)
        if one.status == "Succeeded":
            self.last = identity
            one.deployment_overview["Succeeded"] = 2
        if one.status == "Failed":
            return self._failed(identity, one)
        return None

    def _failed(self, identity, one):
        revision = one.revision
        return answer(
            {"deploymentInfo": {"deploymentId": identity, "status": "Failed", "revision": revision, **self.error}}
        )

    def _tell_last(self, call):
        # What moto leaves out of its answer.
        names = (call.json["applicationName"], call.json["deploymentGroupName"])
        if names != ("shop", "web"):
            return None
        told = {"lastSuccessfulDeployment": {"deploymentId": self.last, "status": "Succeeded"}} if self.last else {}
        return answer({"deploymentGroupInfo": {"applicationName": "shop", "deploymentGroupName": "web", **told}})


@pytest.fixture
def group(aws) -> Group:
    aws.client("s3").create_bucket(Bucket="deploys", CreateBucketConfiguration={"LocationConstraint": REGION})
    deploy = aws.client("codedeploy")
    deploy.create_application(applicationName="shop", computePlatform="Server")
    deploy.create_deployment_group(
        applicationName="shop", deploymentGroupName="web", serviceRoleArn="arn:aws:iam::123456789012:role/deploy"
    )
    aws.calls.clear()
    return Group(aws)


@pytest.fixture
def settings(aws):
    def settings(**fields) -> Settings:
        known = {
            "application_name": "shop",
            "deployment_group_name": "web",
            "s3_bucket": "deploys/revisions",
            "region": REGION,
            "endpoint_url": aws.url,
        }
        return Settings(**{**known, **fields})

    return settings


@pytest.fixture
def bring(aws, group, settings, tmp_path):
    def bring(number=12, fields=None, log=None, **its) -> Log:
        log = Log() if log is None else log
        folder = lay(tmp_path / str(number), FILES)
        deliver(settings(**its), release(folder, number, values=aws.values, **(fields or {})), log)
        return log

    return bring


def test_a_release_becomes_a_revision_that_the_group_gets(aws, group, bring):
    log = bring(deployment_config_name="CodeDeployDefault.OneAtATime", file_exists_behavior="OVERWRITE")
    (made,) = aws.calls_of("CreateDeployment")
    key = f"revisions/shop/{MARK}.zip"
    assert made.json == {
        "applicationName": "shop",
        "deploymentGroupName": "web",
        "revision": {"revisionType": "S3", "s3Location": {"bucket": "deploys", "key": key, "bundleType": "zip"}},
        "deploymentConfigName": "CodeDeployDefault.OneAtATime",
        "fileExistsBehavior": "OVERWRITE",
        "description": f"Release 12 of {12:040x}",
    }
    body = aws.client("s3").get_object(Bucket="deploys", Key=key)["Body"].read()
    assert set(zipfile.ZipFile(io.BytesIO(body)).namelist()) == {"appspec.yml", "app.py"}
    assert "Succeeded: 2 Succeeded" in log


def test_twice_is_once(aws, group, bring):
    bring()
    assert "already" in bring().text
    assert len(aws.calls_of("CreateDeployment")) == 1


def test_an_attempt_that_was_cut_short_is_followed(aws, group, bring):
    group.ends = "InProgress"
    with pytest.raises(TargetError, match=r"did not end within 1s"):
        bring(within="1s")
    group.ends = "Succeeded"
    assert "is under way already" in bring().text
    assert len(aws.calls_of("CreateDeployment")) == 1


def test_somebody_elses_deployment_is_waited_for(aws, group, bring):
    group.ends = "InProgress"
    with pytest.raises(TargetError):
        bring(11, within="1s")
    with pytest.raises(TargetError, match="Another deployment to web did not end within 1s"):
        bring(12, within="1s")
    (other,) = group.deployments.values()
    other.status = "Stopped"
    group.ends = "Succeeded"
    bring(12)
    assert len(aws.calls_of("CreateDeployment")) == 2


def test_a_deployment_that_came_first_is_waited_for(aws, group, bring):
    refused = []

    def limit(call):
        refused.append(call)
        return (
            refusal("DeploymentLimitExceededException", "The deployment group has one") if len(refused) == 1 else None
        )

    aws.on("CreateDeployment", limit)
    bring()
    assert len(refused) == 2


def test_a_rollback_deploys_the_revision_that_is_there(aws, group, bring, settings, tmp_path):
    bring(12)
    bring(13)
    aws.calls.clear()
    log = bring(12, {"is_rollback": True})
    assert "not sent again" in log.text
    assert not [name for name in aws.names() if name.startswith("PUT")]
    assert running(settings(), release(tmp_path, values=aws.values), Log()) == {"12"}


def test_what_runs_is_what_the_last_success_brought(aws, group, bring, settings, tmp_path):
    at = release(tmp_path, values=aws.values)
    assert running(settings(), at, Log()) == frozenset()
    bring()
    assert running(settings(), at, Log()) == {"12"}
    assert running(settings(), release(tmp_path, values=aws.values, project="f" * 32), Log()) == frozenset()
    group.ends = "InProgress"
    with pytest.raises(TargetError):
        bring(13, within="1s")
    assert running(settings(), at, Log()) is None


def test_a_failure_is_said_with_the_end_of_the_scripts_log(aws, group, bring):
    group.ends = "Failed"
    group.error = {
        "errorInformation": {"code": "HEALTH_CONSTRAINTS", "message": "Too few healthy instances."},
        "rollbackInfo": {"rollbackDeploymentId": "d-BACK"},
    }
    aws.on("ListDeploymentTargets", lambda call: answer({"targetIds": ["i-1"]}))
    event = {
        "lifecycleEventName": "AfterInstall",
        "status": "Failed",
        "diagnostics": {"scriptName": "restart.sh", "message": "exit 1", "logTail": "[stderr]no such service\n"},
    }
    aws.on(
        "BatchGetDeploymentTargets",
        lambda call: answer(
            {"deploymentTargets": [{"instanceTarget": {"targetId": "i-1", "lifecycleEvents": [event]}}]}
        ),
    )
    log = Log()
    with pytest.raises(
        TargetError,
        match=r"has failed\. Too few healthy instances \(HEALTH_CONSTRAINTS\)\. CodeDeploy itself goes back with d-BACK\.",
    ):
        bring(log=log)
    assert "i-1: AfterInstall failed in restart.sh: exit 1" in log
    assert "    [stderr]no such service" in log
    assert aws.calls_of("BatchGetDeploymentTargets")[0].json["targetIds"] == ["i-1"]


def test_a_group_that_is_not_there_is_said(aws, group, bring):
    with pytest.raises(TargetError, match=r"group typo does not exist"):
        bring(deployment_group_name="typo")
    assert not [name for name in aws.names() if name.startswith("PUT")]


def test_a_share_is_refused_before_anything_is_asked(aws, group, bring):
    with pytest.raises(TargetError, match="deployment_config_name"):
        bring(fields={"percent": 1.0})
    assert not aws.calls


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusal("UnrecognizedClientException", "The security token is invalid"), "does not accept the key"),
        (refusal("AccessDeniedException", "User may not"), "does not let this key do it"),
        (refusal("ThrottlingException", "Rate exceeded"), "asked too often"),
    ],
)
def test_refusals_are_said_in_words(aws, group, bring, answer, said):
    aws.on("GetDeploymentGroup", lambda call: answer)
    with pytest.raises(TargetError, match=said):
        bring()


def test_nobody_there_is_said_in_time(group, bring):
    with pytest.raises(TargetError, match="gives no answer"):
        bring(endpoint_url="http://127.0.0.1:9")


class _Instances(Place):
    group: Group

    def serving(self) -> dict[str, float]:
        if not self.group.last:
            return {}
        key = self.group.deployments[self.group.last].revision["s3Location"]["key"]
        return {key.rpartition("/")[2].split("-")[1]: 1.0}


class TestContract(TargetContract):
    has_shares = False

    @pytest.fixture
    def place(self, aws, group, settings, tmp_path):
        place = _Instances(aws, target, settings, tmp_path)
        place.group = group
        return place

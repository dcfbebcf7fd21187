"""An environment gets the version of a release, and says how it goes. Beanstalk is a stand-in, S3 moto's."""

from __future__ import annotations

import io
import zipfile

import pytest

from runners.targets.contract import TargetError
from runners.targets.elastic_beanstalk import target
from runners.targets.elastic_beanstalk.settings import Settings
from runners.targets.elastic_beanstalk.target import deliver, running
from tests.runners.targets.aws.beanstalk import Beanstalk
from tests.runners.targets.aws.conftest import REGION, Place, xml_refusal
from tests.runners.targets.contract import TargetContract
from tests.runners.targets.releases import PROJECT, Log, lay, release

LABEL = f"release-12-{12:040x}"[: len("release-12-") + 12] + f"-{PROJECT[:8]}"
FILES = {"app.py": "print(12)", "bin/run": "#!/bin/sh", ".ebextensions/a.config": "x"}


@pytest.fixture
def beanstalk(aws) -> Beanstalk:
    aws.client("s3").create_bucket(Bucket="deploys", CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.calls.clear()
    return Beanstalk(aws)


@pytest.fixture
def settings(aws):
    def settings(**fields) -> Settings:
        known = {
            "application_name": "shop",
            "environment_name": "shop-production",
            "s3_bucket": "deploys/eb",
            "region": REGION,
            "endpoint_url": aws.url,
        }
        return Settings(**{**known, **fields})

    return settings


@pytest.fixture
def bring(aws, beanstalk, settings, tmp_path):
    def bring(number=12, fields=None, **its) -> Log:
        log = Log()
        folder = lay(tmp_path / str(number), FILES)
        deliver(settings(**its), release(folder, number, values=aws.values, **(fields or {})), log)
        return log

    return bring


def test_a_release_becomes_a_version_that_the_environment_runs(aws, beanstalk, bring):
    log = bring()
    assert beanstalk.environment == {"Status": "Ready", "Health": "Green", "VersionLabel": LABEL}
    key = f"eb/shop/{LABEL}.zip"
    packed = zipfile.ZipFile(io.BytesIO(aws.client("s3").get_object(Bucket="deploys", Key=key)["Body"].read()))
    assert set(packed.namelist()) == {"app.py", "bin/run", ".ebextensions/a.config"}
    made = aws.calls_of("CreateApplicationVersion")[0].form
    assert made["SourceBundle.S3Key"] == key
    assert made["Description"] == f"Release 12 of {12:040x}"
    assert "INFO: Environment update is starting." in log
    assert "INFO: Environment update completed successfully." in log
    assert "INFO: Environment health is Green." not in log, "an old event is no news"


def test_twice_is_once(aws, beanstalk, bring):
    bring()
    aws.calls.clear()
    assert "already" in bring().text
    assert not {"UpdateEnvironment", "CreateApplicationVersion"} & set(aws.names())
    assert not [name for name in aws.names() if name.startswith("PUT")]


def test_an_attempt_that_was_cut_short_is_taken_up(aws, beanstalk, bring):
    bring()
    beanstalk.environment.update(Status="Updating", Health="Grey")
    beanstalk.looks, beanstalk.takes = 0, 4
    log = bring()
    assert len(aws.calls_of("UpdateEnvironment")) == 1
    assert "waiting until it is ready" in log.text


def test_a_rollback_switches_to_the_version_that_is_there(aws, beanstalk, bring):
    bring(12)
    bring(13)
    aws.calls.clear()
    bring(12, {"is_rollback": True})
    assert beanstalk.environment["VersionLabel"] == LABEL
    assert not [name for name in aws.names() if name.startswith("PUT")]


def test_what_runs_is_told_by_the_label(aws, beanstalk, bring, settings, tmp_path):
    at = release(tmp_path, values=aws.values)
    assert running(settings(), at, Log()) == frozenset()
    bring()
    assert running(settings(), at, Log()) == {"12"}
    assert running(settings(), release(tmp_path, values=aws.values, project="f" * 32), Log()) == frozenset()


def test_an_update_that_beanstalk_takes_back_fails_with_its_events(beanstalk, bring):
    beanstalk.ends = "back"
    with pytest.raises(TargetError, match=r"went back to hand-made\. Failed to deploy application\."):
        bring()


def test_the_state_from_before_the_update_is_not_taken_for_its_end(aws, beanstalk, bring):
    describe, old, looks = beanstalk._DescribeEnvironments, dict(beanstalk.environment), []

    def late(call):
        if not aws.calls_of("UpdateEnvironment") or len(looks) > 2:
            return describe(call)
        looks.append(call)
        now, beanstalk.environment = beanstalk.environment, dict(old)
        told = describe(call)
        beanstalk.environment = now
        return told

    aws.on("DescribeEnvironments", late)
    bring()
    assert len(looks) == 3
    assert beanstalk.environment["VersionLabel"] == LABEL


def test_an_environment_that_stays_red_fails_in_time(beanstalk, bring):
    beanstalk.ends, beanstalk.takes = "red", 1
    with pytest.raises(TargetError, match=r"Ready and Red: .* within 1s\..*100\.0 % of the requests"):
        bring(within="1s")


def test_an_environment_that_goes_away_fails(beanstalk, bring):
    beanstalk.ends = "Terminating"
    with pytest.raises(TargetError, match="is terminating"):
        bring()


def test_an_environment_that_is_busy_for_good_fails_in_time(beanstalk, bring):
    beanstalk.environment["Status"] = "Launching"
    with pytest.raises(TargetError, match="did not become ready for an update within 1s"):
        bring(within="1s")


def test_a_name_that_is_wrong_is_said_before_anything_is_sent(aws, beanstalk, bring):
    with pytest.raises(TargetError, match="no environment typo of the application shop"):
        bring(environment_name="typo")
    assert not [name for name in aws.names() if name.startswith("PUT")]


def test_a_share_is_refused_before_anything_is_asked(aws, beanstalk, bring):
    with pytest.raises(TargetError, match="TrafficSplitting"):
        bring(fields={"percent": 50.0})
    assert not aws.calls


def test_throttled_questions_do_not_end_the_wait(aws, beanstalk, bring):
    describe = beanstalk._DescribeEnvironments
    asked = []

    def throttled(call):
        asked.append(call)
        return xml_refusal("Throttling", "Rate exceeded") if len(asked) in range(3, 8) else describe(call)

    aws.on("DescribeEnvironments", throttled)
    bring()
    assert beanstalk.environment["VersionLabel"] == LABEL
    assert len(asked) > 7


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (xml_refusal("InvalidClientTokenId", "The security token is invalid", 403), "does not accept the key"),
        (xml_refusal("AccessDenied", "User may not", 403), "does not let this key do it"),
        (xml_refusal("InternalFailure", "Sorry", 500), "fault of its own"),
    ],
)
def test_refusals_are_said_in_words(aws, beanstalk, bring, settings, tmp_path, answer, said):
    aws.on("DescribeEnvironments", lambda call: answer)
    with pytest.raises(TargetError, match=said):
        bring()
    with pytest.raises(TargetError, match=said):
        running(settings(), release(tmp_path, values=aws.values), Log())


def test_too_many_versions_are_said_with_the_remedy(aws, beanstalk, bring):
    aws.on("CreateApplicationVersion", lambda call: xml_refusal("TooManyApplicationVersionsException", "No more"))
    with pytest.raises(TargetError, match="lifecycle policy"):
        bring()


def test_nobody_there_is_said_in_time(beanstalk, bring):
    with pytest.raises(TargetError, match="gives no answer"):
        bring(endpoint_url="http://127.0.0.1:9")


class _Environment(Place):
    beanstalk: Beanstalk

    def serving(self) -> dict[str, float]:
        word, number, *_ = self.beanstalk.environment["VersionLabel"].split("-")
        return {number: 1.0} if word == "release" else {}


class TestContract(TargetContract):
    has_shares = False

    @pytest.fixture
    def place(self, aws, beanstalk, settings, tmp_path):
        place = _Environment(aws, target, settings, tmp_path)
        place.beanstalk = beanstalk
        return place

"""A service gets a revision with the release's image. moto keeps services, revisions and images; rollouts are played here."""

from __future__ import annotations

import json

import pytest

from runners.targets.contract import TargetError
from runners.targets.ecs import target
from runners.targets.ecs.settings import Settings
from runners.targets.ecs.target import deliver, running
from tests.runners.targets.aws.conftest import ACCOUNT, REGION, Place, answer, refusal
from tests.runners.targets.contract import TargetContract
from tests.runners.targets.releases import PROJECT, Log, release

ECR = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop"
DIGEST = "sha256:" + "ab" * 32
WEB = {
    "name": "web",
    "image": "registry.example.com/shop:11",
    "memory": 128,
    "environment": [{"name": "KEEP", "value": "me"}],
    "portMappings": [{"containerPort": 8000}],
}


class Service:
    """Goes on with every look, as ECS would: `IN_PROGRESS`, then `ends`."""

    def __init__(self, aws) -> None:
        self.aws = aws
        self.ends = "COMPLETED"
        self.has_state = True
        aws.on("UpdateService", self._begin)
        aws.on("DescribeServices", self._go_on)

    @property
    def row(self):
        return self.aws.backend("ecs").services["shop:web"]

    def settle(self) -> None:
        """As it is before anybody deploys."""
        (one,) = self.row.deployments
        one.update(rolloutState="COMPLETED", runningCount=2, pendingCount=0)

    def _begin(self, call):
        before = self.row.deployments[0]
        before["status"] = "ACTIVE"
        new = {**before, "id": "ecs-svc/2", "status": "PRIMARY", "taskDefinition": call.json["taskDefinition"]}
        new.update(rolloutState="IN_PROGRESS", runningCount=0, pendingCount=2)
        if not self.has_state:
            del new["rolloutState"]
        self.row.deployments = [new, before]
        self._happens("(service web) has started 2 tasks.")

    def _happens(self, message: str) -> None:
        events = self.row.events
        events.insert(
            0, {"id": str(len(events)), "createdAt": self.row.deployments[0]["createdAt"], "message": message}
        )

    def _go_on(self, call):
        if call.json["services"] != ["web"]:
            return
        new = self.row.deployments[0]
        if not new["pendingCount"] or self.ends == "IN_PROGRESS":
            return
        if new.get("looks", 0) < 1:
            new["looks"] = 1
            return
        self._end(new)

    def _end(self, new) -> None:
        if self.ends == "COMPLETED":
            new.update(runningCount=2, pendingCount=0)
            if self.has_state:
                new["rolloutState"] = "COMPLETED"
            del self.row.deployments[1:]
            self._happens("(service web) has reached a steady state.")
        else:  # the circuit breaker goes back
            reason = "ECS deployment circuit breaker: tasks failed to start."
            new.update(rolloutState="FAILED", rolloutStateReason=reason, pendingCount=0, status="ACTIVE")
            self.row.deployments.reverse()
            self.row.task_definition = self.row.deployments[0]["taskDefinition"]


@pytest.fixture
def ecs(aws):
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="shop")
    first = ecs.register_task_definition(
        family="shop-web",
        containerDefinitions=[WEB, {"name": "log", "image": "fluent:1", "memory": 64}],
        volumes=[{"name": "data"}],
        tags=[{"key": "team", "value": "shop"}],
        networkMode="bridge",
    )["taskDefinition"]["taskDefinitionArn"]
    ecs.create_service(cluster="shop", serviceName="web", taskDefinition=first, desiredCount=2)
    return ecs


@pytest.fixture
def service(aws, ecs) -> Service:
    service = Service(aws)
    service.settle()
    aws.calls.clear()
    return service


@pytest.fixture
def settings(aws):
    def settings(**fields) -> Settings:
        known = {
            "cluster": "shop",
            "service": "web",
            "container": "web",
            "image": f"registry.example.com/shop@{DIGEST}",
            "region": REGION,
            "endpoint_url": aws.url,
        }
        return Settings(**{**known, **fields})

    return settings


@pytest.fixture
def bring(aws, service, settings, tmp_path):
    def bring(number=12, fields=None, **its) -> Log:
        log = Log()
        deliver(settings(**its), release(tmp_path, number, values=aws.values, **(fields or {})), log)
        return log

    return bring


def test_a_release_becomes_a_revision_that_the_service_runs(aws, ecs, service, bring):
    log = bring()
    now = ecs.describe_services(cluster="shop", services=["web"])["services"][0]
    assert now["taskDefinition"].endswith("task-definition/shop-web:2")
    made = ecs.describe_task_definition(taskDefinition=now["taskDefinition"], include=["TAGS"])
    web, sidecar = made["taskDefinition"]["containerDefinitions"]
    assert web["image"] == f"registry.example.com/shop@{DIGEST}"
    assert (web["environment"], web["portMappings"][0]["containerPort"]) == (WEB["environment"], 8000)
    assert sidecar["image"] == "fluent:1"
    assert made["taskDefinition"]["volumes"][0]["name"] == "data"
    assert {tag["key"]: tag["value"] for tag in made["tags"]} == {
        "team": "shop",
        "ciservice:release": "12",
        "ciservice:commit": f"{12:040x}",
        "ciservice:project": PROJECT,
    }
    assert "(service web) has started 2 tasks." in log
    assert "(service web) has reached a steady state." in log


def test_twice_is_once(aws, ecs, service, bring):
    bring()
    aws.calls.clear()
    assert "is there already" in bring().text
    assert not {"RegisterTaskDefinition", "UpdateService"} & set(aws.names())


def test_an_attempt_that_was_cut_short_is_followed(aws, service, bring):
    service.ends = "IN_PROGRESS"
    with pytest.raises(TargetError, match=r"0 of 2 tasks run: the service was not steady within 1s"):
        bring(within="1s")
    service.ends = "COMPLETED"
    assert "is steady" in bring().text
    assert len(aws.calls_of("UpdateService")) == 1


def test_a_rollback_takes_the_revision_that_is_there(aws, ecs, service, bring):
    bring(12)
    bring(13, image=f"registry.example.com/shop@sha256:{'cd' * 32}")
    aws.calls.clear()
    bring(12, {"is_rollback": True})
    assert not aws.calls_of("RegisterTaskDefinition")
    assert service.row.task_definition.endswith(":2")


def test_what_runs_is_told_by_the_tags_of_the_revisions_that_have_tasks(aws, ecs, service, bring, settings, tmp_path):
    at = release(tmp_path, values=aws.values)
    assert running(settings(), at, Log()) == frozenset()
    bring(12)
    assert running(settings(), at, Log()) == {"12"}
    assert running(settings(), release(tmp_path, values=aws.values, project="f" * 32), Log()) == frozenset()
    service.ends = "IN_PROGRESS"
    with pytest.raises(TargetError):
        bring(13, within="1s")
    assert running(settings(), at, Log()) == {"12"}
    service.row.deployments[0]["runningCount"] = 1
    assert running(settings(), at, Log()) == {"12", "13"}


def test_the_circuit_breakers_reason_and_the_tasks_are_told(aws, ecs, service, bring):
    service.ends = "FAILED"
    aws.on("ListTasks", lambda call: answer({"taskArns": ["arn:aws:ecs:task/1"]}))
    container = {"name": "web", "exitCode": 3}
    aws.on(
        "DescribeTasks",
        lambda call: answer(
            {"tasks": [{"stoppedReason": "Essential container in task exited", "containers": [container]}]}
        ),
    )
    with pytest.raises(
        TargetError,
        match=r"gave the deployment up: ECS deployment circuit breaker: tasks failed to start\. The service runs shop-web:1\. "
        r"A task stopped: Essential container in task exited; web ended with 3\.",
    ):
        bring()
    assert aws.calls_of("ListTasks")[0].json["desiredStatus"] == "STOPPED"


def test_what_failed_and_was_not_taken_back_is_begun_anew(aws, service, bring):
    bring()
    service.row.deployments[0].update(rolloutState="FAILED", rolloutStateReason="tasks failed to start.")
    assert "is steady" in bring().text
    assert aws.calls_of("UpdateService")[-1].json["forceNewDeployment"] is True


def test_the_state_from_before_the_update_is_not_taken_for_its_end(aws, service, bring):
    begin, late = service._begin, []
    aws.on("UpdateService", lambda call: answer({"service": {}}) if late.append(call) is None else None)

    def look(call):
        if late and len(late) < 4:
            late.append(call)
            if len(late) == 4:
                begin(late[0])
                service.row.task_definition = late[0].json["taskDefinition"]
        service._go_on(call)

    aws.on("DescribeServices", look)
    assert "is steady" in bring().text


def test_a_service_without_rollout_states_is_steady_when_the_old_tasks_are_gone(service, bring):
    service.has_state = False
    assert "is steady: 2 tasks" in bring().text


def test_the_only_container_needs_no_name(aws, ecs, service, bring):
    with pytest.raises(TargetError, match=r"several containers: say with `container` which: web, log"):
        bring(container="")
    with pytest.raises(TargetError, match=r"no container api; it has web, log"):
        bring(container="api")
    assert not aws.calls_of("RegisterTaskDefinition")


@pytest.fixture
def repository(aws):
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName="shop")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
    image = ecr.put_image(repositoryName="shop", imageManifest=json.dumps(manifest), imageTag="v12")["image"]
    aws.calls.clear()
    return image["imageId"]["imageDigest"]


def test_a_tag_in_ecr_is_pinned_to_its_digest(aws, ecs, service, repository, bring):
    bring(image=f"{ECR}:v12")
    (made,) = aws.calls_of("RegisterTaskDefinition")
    assert made.json["containerDefinitions"][0]["image"] == f"{ECR}@{repository}"
    with pytest.raises(TargetError, match=r"There is no image .*shop:v13"):
        bring(13, image=f"{ECR}:v13")
    aws.on("DescribeImages", lambda call: refusal("AccessDeniedException", "may not"))
    assert "its tag is kept" in bring(14, image=f"{ECR}:v12").text
    assert aws.calls_of("RegisterTaskDefinition")[-1].json["containerDefinitions"][0]["image"] == f"{ECR}:v12"


def test_a_tag_elsewhere_is_kept_and_that_is_said(aws, service, bring):
    assert "its tag is kept" in bring(image="registry.example.com/shop:12").text
    (made,) = aws.calls_of("RegisterTaskDefinition")
    assert made.json["containerDefinitions"][0]["image"] == "registry.example.com/shop:12"


def test_a_service_of_code_deploys_is_refused(aws, service, bring):
    service.row.deployment_controller = {"type": "CODE_DEPLOY"}
    with pytest.raises(TargetError, match="made by CODE_DEPLOY"):
        bring()
    assert not aws.calls_of("RegisterTaskDefinition")


def test_a_service_that_is_not_there_is_said(aws, service, bring):
    with pytest.raises(TargetError, match="no active service typo in the cluster shop"):
        bring(service="typo")
    with pytest.raises(TargetError, match=r"ClusterNotFound"):
        bring(cluster="typo")


def test_a_share_is_refused_before_anything_is_asked(aws, service, bring):
    with pytest.raises(TargetError, match="deployment strategy"):
        bring(fields={"percent": 50.0})
    assert not aws.calls


def test_throttled_questions_do_not_end_the_wait(aws, service, bring):
    go_on, asked = service._go_on, []

    def throttled(call):
        asked.append(call)
        return refusal("ThrottlingException", "Rate exceeded") if len(asked) in range(3, 8) else go_on(call)

    aws.on("DescribeServices", throttled)
    assert "is steady" in bring().text
    assert len(asked) > 7


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusal("UnrecognizedClientException", "The security token is invalid"), "does not accept the key"),
        (refusal("AccessDeniedException", "User may not"), "does not let this key do it"),
        (refusal("ServerException", "Service Unavailable", 503), "fault of its own"),
    ],
)
def test_refusals_are_said_in_words(aws, service, bring, settings, tmp_path, answer, said):
    aws.on("DescribeServices", lambda call: answer)
    with pytest.raises(TargetError, match=said):
        bring()
    with pytest.raises(TargetError, match=said):
        running(settings(), release(tmp_path, values=aws.values), Log())


def test_nobody_there_is_said_in_time(service, bring):
    with pytest.raises(TargetError, match="gives no answer"):
        bring(endpoint_url="http://127.0.0.1:9")


class _Tasks(Place):
    service: Service

    def serving(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for one in self.service.row.deployments:
            tags = self.aws.client("ecs").list_tags_for_resource(resourceArn=one["taskDefinition"])["tags"]
            for tag in tags:
                if tag["key"] == "ciservice:release" and one["runningCount"]:
                    found[tag["value"]] = one["runningCount"] / 2
        return found


class TestContract(TargetContract):
    has_shares = False

    @pytest.fixture
    def place(self, aws, service, settings, tmp_path):
        place = _Tasks(aws, target, settings, tmp_path)
        place.service = service
        return place

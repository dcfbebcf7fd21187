"""A revision for a release in S3, and a deployment of it to a group: told as it goes, done when it succeeded."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from runners.targets.aws import client, error_code, explained
from runners.targets.aws_archive import Archive, archive_of, ensure_archive
from runners.targets.code_deploy.reasons import reasons
from runners.targets.code_deploy.settings import Settings
from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.marks import mark, marked, whole_only
from runners.targets.waiting import Patience

_INSTEAD = "`deployment_config_name` says how many instances of the group get it at a time, such as CodeDeployDefault.OneAtATime."
_UNDER_WAY = ["Created", "Queued", "InProgress", "Baking", "Ready"]


def deliver(settings: Settings, delivery: Delivery, tell: Tell) -> None:
    """Send the revision, where it is not there yet; deploy it; wait until it succeeded."""
    whole_only(delivery, "CodeDeploy", _INSTEAD)
    deploy = client("codedeploy", settings, delivery)
    patience = Patience(settings.within, tell)
    if mark(delivery) in _last(deploy, settings) and not _under_way(deploy, settings):
        tell(f"{settings.deployment_group_name} has {mark(delivery)} already")
        return
    archive = archive_of(settings.s3_bucket, settings.application_name, delivery)
    ensure_archive(client("s3", settings, delivery), archive, settings.local_path, delivery, tell)
    _follow(deploy, _started(deploy, settings, delivery, archive, patience, tell), patience, tell)


def running(settings: Settings, delivery: Delivery, tell: Tell) -> frozenset[str] | None:
    """What the last deployment that succeeded brought; None while another is under way, which may have changed some."""
    deploy = client("codedeploy", settings, delivery)
    last = _last(deploy, settings)
    if under_way := _under_way(deploy, settings):
        tell(f"the deployment {under_way[0]} is under way")
        return None
    tell(f"{settings.deployment_group_name} last got {last or 'nothing'}")
    return marked(last, delivery)


def _last(deploy: Any, settings: Settings) -> str:
    """The key of the revision that the group got last; "" = none."""
    with explained():
        group = deploy.get_deployment_group(
            applicationName=settings.application_name, deploymentGroupName=settings.deployment_group_name
        )["deploymentGroupInfo"]
    last = group.get("lastSuccessfulDeployment", {}).get("deploymentId")
    return _key(_deployment(deploy, last)) if last else ""


def _under_way(deploy: Any, settings: Settings) -> list[str]:
    with explained():
        found: list[str] = deploy.list_deployments(
            applicationName=settings.application_name,
            deploymentGroupName=settings.deployment_group_name,
            includeOnlyStatuses=_UNDER_WAY,
        )["deployments"]
    return found


def _started(
    deploy: Any, settings: Settings, delivery: Delivery, archive: Archive, patience: Patience, tell: Tell
) -> str:
    """The deployment's id: one that an attempt before this left under way, or a new one, after everybody else's."""
    what = f"Another deployment to {settings.deployment_group_name} did not end"
    told = ""
    while True:
        waiting = patience.ask(lambda: _under_way(deploy, settings), what)
        for one in waiting:
            if _key(_deployment(deploy, one)) == archive.key:
                tell(f"the deployment {one} of {mark(delivery)} is under way already")
                return one
        if not waiting and (started := _created(deploy, settings, delivery, archive)):
            tell(f"started the deployment {started} of {mark(delivery)}")
            return started
        if waiting and told != waiting[0]:
            told = waiting[0]
            tell(f"the deployment {told} is under way: waiting until it has ended")
        patience.wait(what)


def _created(deploy: Any, settings: Settings, delivery: Delivery, archive: Archive) -> str:
    """Its id; "" where somebody else's came first."""
    wished = {
        "deploymentConfigName": settings.deployment_config_name,
        "fileExistsBehavior": settings.file_exists_behavior,
    }
    with explained():
        try:
            made = deploy.create_deployment(
                applicationName=settings.application_name,
                deploymentGroupName=settings.deployment_group_name,
                revision={
                    "revisionType": "S3",
                    "s3Location": {"bucket": archive.bucket, "key": archive.key, "bundleType": "zip"},
                },
                description=f"Release {delivery.release} of {delivery.commit}"[:200],
                **{name: value for name, value in wished.items() if value},
            )
        except ClientError as error:
            if error_code(error) == "DeploymentLimitExceededException":
                return ""
            raise
    return str(made["deploymentId"])


def _follow(deploy: Any, identity: str, patience: Patience, tell: Tell) -> None:
    said = ""
    what = f"The deployment {identity} did not end"
    patience.afresh()
    while True:
        found = patience.ask(lambda: _deployment(deploy, identity), what)
        counts = found.get("deploymentOverview", {})
        now = f"{found['status']}: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        if now != said:
            said = now
            tell(now.removesuffix(": "))
        if found["status"] == "Succeeded":
            return
        if found["status"] in {"Failed", "Stopped"}:
            raise TargetError(_why(deploy, identity, found, tell))
        patience.wait(what)


def _why(deploy: Any, identity: str, found: dict[str, Any], tell: Tell) -> str:
    for line in _reasons(deploy, identity):
        tell(line)
    said = [f"The deployment {identity} has {found['status'].lower()}."]
    if error := found.get("errorInformation"):
        said.append(f"{str(error.get('message', '')).rstrip('.')} ({error.get('code', 'without a code')}).")
    if back := found.get("rollbackInfo", {}).get("rollbackDeploymentId"):
        said.append(f"CodeDeploy itself goes back with {back}.")
    return " ".join(said)


def _reasons(deploy: Any, identity: str) -> list[str]:
    """What failed on which instance; nothing where that cannot be asked: the deployment has failed anyhow."""
    try:
        return reasons(deploy, identity)
    except TargetError:
        return []


def _deployment(deploy: Any, identity: str) -> dict[str, Any]:
    with explained():
        found: dict[str, Any] = deploy.get_deployment(deploymentId=identity)["deploymentInfo"]
    return found


def _key(deployment: dict[str, Any]) -> str:
    return str(deployment.get("revision", {}).get("s3Location", {}).get("key", ""))

"""An application version for a release, and an environment brought to it: told by its events, done when it is green."""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import ClientError

from runners.targets.aws import client, error_code, explained
from runners.targets.aws_archive import Archive, archive_of, ensure_archive
from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.elastic_beanstalk.events import Events
from runners.targets.elastic_beanstalk.settings import Settings
from runners.targets.marks import mark, marked, whole_only
from runners.targets.waiting import Patience

_INSTEAD = (
    "Elastic Beanstalk shifts traffic by itself where its environment has the deployment policy TrafficSplitting."
)
_DOUBT_SECONDS = 60.0  # so long after an update Beanstalk may still tell of the state before it


def deliver(settings: Settings, delivery: Delivery, tell: Tell) -> None:
    """Make the version, where there is none yet; update the environment; wait until it is ready, green and there."""
    whole_only(delivery, "Elastic Beanstalk", _INSTEAD)
    beanstalk = client("elasticbeanstalk", settings, delivery)
    label, patience = mark(delivery), Patience(settings.within, tell)
    _environment(beanstalk, settings)  # a name that is wrong is said before anything is sent
    _ensure_version(beanstalk, settings, delivery, tell)
    found = _ready(beanstalk, settings, patience, tell)
    events = Events(beanstalk, settings.environment_name)
    if found["VersionLabel"] == label and found["Health"] == "Green":
        tell(f"{settings.environment_name} runs {label} already")
        return
    if found["VersionLabel"] != label:
        with explained():
            beanstalk.update_environment(
                ApplicationName=settings.application_name, EnvironmentName=settings.environment_name, VersionLabel=label
            )
        tell(f"updating {settings.environment_name} to {label}")
    _until_green(beanstalk, settings, label, patience, events, tell)


def running(settings: Settings, delivery: Delivery, tell: Tell) -> frozenset[str] | None:
    """What the environment's version is called."""
    found = _environment(client("elasticbeanstalk", settings, delivery), settings)
    tell(
        f"{settings.environment_name} is {found['Status']} and {found['Health']}, with {found['VersionLabel'] or 'no version'}"
    )
    return marked(found["VersionLabel"], delivery)


def _ensure_version(beanstalk: Any, settings: Settings, delivery: Delivery, tell: Tell) -> None:
    label = mark(delivery)
    with explained():
        found = beanstalk.describe_application_versions(
            ApplicationName=settings.application_name, VersionLabels=[label]
        )["ApplicationVersions"]
    if found:
        tell(f"the version {label} is there already: not sent again")
        return
    archive = archive_of(settings.s3_bucket, settings.application_name, delivery)
    ensure_archive(client("s3", settings, delivery), archive, settings.local_path, delivery, tell)
    _make_version(beanstalk, settings, delivery, archive)
    tell(f"made the version {label}")


def _make_version(beanstalk: Any, settings: Settings, delivery: Delivery, archive: Archive) -> None:
    with explained():
        try:
            beanstalk.create_application_version(
                ApplicationName=settings.application_name,
                VersionLabel=mark(delivery),
                Description=f"Release {delivery.release} of {delivery.commit}"[:200],
                SourceBundle={"S3Bucket": archive.bucket, "S3Key": archive.key},
                AutoCreateApplication=False,
            )
        except ClientError as error:
            if error_code(error) == "TooManyApplicationVersionsException":
                raise TargetError(
                    f"{settings.application_name} has as many versions as Elastic Beanstalk allows: give it a lifecycle"
                    " policy that removes old ones."
                ) from None
            if "already exists" not in str(error):  # another attempt of ours was quicker
                raise


def _environment(beanstalk: Any, settings: Settings) -> dict[str, str]:
    with explained():
        found = beanstalk.describe_environments(
            ApplicationName=settings.application_name,
            EnvironmentNames=[settings.environment_name],
            IncludeDeleted=False,
        )["Environments"]
    if not found:
        raise TargetError(
            f"There is no environment {settings.environment_name} of the application {settings.application_name} in this"
            " region: look at `application_name`, `environment_name` and `region`."
        )
    return {name: str(found[0].get(name, "")) for name in ("Status", "Health", "VersionLabel")}


def _ready(beanstalk: Any, settings: Settings, patience: Patience, tell: Tell) -> dict[str, str]:
    """The environment once it takes orders: nobody else's update is cut short."""
    what = f"{settings.environment_name} did not become ready for an update"
    said = ""
    while True:
        found = patience.ask(lambda: _environment(beanstalk, settings), what)
        if found["Status"] == "Ready":
            return found
        if found["Status"] in {"Terminating", "Terminated"}:
            raise TargetError(f"{settings.environment_name} is {found['Status'].lower()}.")
        if said != found["Status"]:
            said = found["Status"]
            tell(f"{settings.environment_name} is {said}: waiting until it is ready")
        patience.wait(what)


def _until_green(
    beanstalk: Any, settings: Settings, label: str, patience: Patience, events: Events, tell: Tell
) -> None:
    name = settings.environment_name
    begun, end_of_doubt = False, time.monotonic() + _DOUBT_SECONDS
    patience.afresh()
    while True:
        found = patience.ask(lambda: _environment(beanstalk, settings), f"{name} was not ready")
        events.tell_new(tell)
        begun = begun or found["Status"] != "Ready" or found["VersionLabel"] == label
        if found["Status"] == "Ready" and found["VersionLabel"] != label and (begun or time.monotonic() > end_of_doubt):
            raise TargetError(f"{name} went back to {found['VersionLabel']}. {events.worst()}")
        if (found["Status"], found["Health"], found["VersionLabel"]) == ("Ready", "Green", label):
            tell(f"{name} is ready and green with {label}")
            return
        if found["Status"] in {"Terminating", "Terminated"}:
            raise TargetError(f"{name} is {found['Status'].lower()}.")
        state = f"{name} is {found['Status']} and {found['Health'] or 'of unknown health'}"
        try:
            patience.wait(f"{state}: it was not ready and green")
        except TargetError as error:
            raise TargetError(f"{error} {events.worst()}".strip()) from None

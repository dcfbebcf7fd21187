"""A revision of the task definition with the release's image, and a service brought to it until it is steady."""

from __future__ import annotations

import time
from typing import Any

from runners.targets.aws import client, explained
from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.ecs.images import pinned
from runners.targets.ecs.revisions import find_revision, make_revision, release_tag
from runners.targets.ecs.settings import Settings
from runners.targets.ecs.stopped import stopped_reasons
from runners.targets.marks import whole_only
from runners.targets.waiting import Patience

_INSTEAD = "The service's own deployment strategy (ROLLING, CANARY, LINEAR, BLUE_GREEN) says how ECS shifts to it."
_WHAT = "The service was not steady"
_DOUBT_SECONDS = 60.0  # so long after an update ECS may still tell of the state before it


def deliver(settings: Settings, delivery: Delivery, tell: Tell) -> None:
    """Find or make the release's revision, have the service run it, wait for its steady state."""
    whole_only(delivery, "ECS", _INSTEAD)
    ecs = client("ecs", settings, delivery)
    patience = Patience(settings.within, tell)
    service = _service(ecs, settings)
    _refuse_foreign_controller(service)
    revision = find_revision(ecs, service["taskDefinition"], delivery)
    if revision:
        tell(f"the revision {_short(revision)} of release {delivery.release} is there already")
    else:
        image = pinned(settings, delivery, tell)
        revision = make_revision(ecs, service["taskDefinition"], settings.container, image, delivery)
        tell(f"registered {_short(revision)} with {image}")
    seen = {event["id"] for event in service.get("events", [])}
    now = _deployment_of(service, revision)
    if service["taskDefinition"] != revision or (now and now.get("rolloutState") == "FAILED"):
        with explained():
            ecs.update_service(
                cluster=settings.cluster, service=settings.service, taskDefinition=revision, forceNewDeployment=True
            )
        tell(f"updating {settings.service} to {_short(revision)}")
    _until_steady(ecs, settings, revision, seen, patience, tell)


def running(settings: Settings, delivery: Delivery, tell: Tell) -> frozenset[str] | None:
    """The releases of every revision that has tasks, or is to have them."""
    ecs = client("ecs", settings, delivery)
    service = _service(ecs, settings)
    revisions = {one["taskDefinition"] for one in service.get("deployments", []) if one.get("runningCount")}
    revisions |= {service["taskDefinition"]} if not revisions else set()
    tell(f"{settings.service} runs {', '.join(sorted(map(_short, revisions)))}")
    found = {release_tag(ecs, one, delivery) for one in revisions}
    return frozenset(found - {""})


def _service(ecs: Any, settings: Settings) -> dict[str, Any]:
    with explained():
        answer = ecs.describe_services(cluster=settings.cluster, services=[settings.service])
    for one in answer["services"]:
        if one.get("status") == "ACTIVE":
            found: dict[str, Any] = one
            return found
    raise TargetError(
        f"There is no active service {settings.service} in the cluster {settings.cluster} of this region: look at"
        " `service`, `cluster` and `region`."
    )


def _refuse_foreign_controller(service: dict[str, Any]) -> None:
    controller = service.get("deploymentController", {}).get("type", "ECS")
    if controller != "ECS":
        raise TargetError(
            f"The service's deployments are made by {controller}, not by ECS itself: this target updates services with"
            " the deployment controller ECS only."
        )


def _until_steady(ecs: Any, settings: Settings, revision: str, seen: set[str], patience: Patience, tell: Tell) -> None:
    begun, end_of_doubt = False, time.monotonic() + _DOUBT_SECONDS
    while True:
        service = patience.ask(lambda: _service(ecs, settings), _WHAT)
        _tell_events(service, seen, tell)
        ours = _deployment_of(service, revision)
        is_led = ours is not None and service["taskDefinition"] == revision and ours.get("rolloutState") != "FAILED"
        begun = begun or is_led
        if not is_led and (begun or time.monotonic() > end_of_doubt):
            raise TargetError(_why_not(ecs, settings, service, ours))
        if is_led and ours and _is_steady(service, ours):
            tell(f"{settings.service} is steady: {ours['runningCount']} tasks run {_short(revision)}")
            return
        count = f"{ours['runningCount']} of {ours['desiredCount']} tasks run: " if ours else ""
        try:
            patience.wait(f"{count}the service was not steady")
        except TargetError as error:
            raise TargetError(" ".join([str(error), *stopped_reasons(ecs, settings)])) from None


def _deployment_of(service: dict[str, Any], revision: str) -> dict[str, Any] | None:
    """The service's deployment of a revision, the one that is rolled out before those that it replaces."""
    found = [one for one in service.get("deployments", []) if one["taskDefinition"] == revision]
    return min(found, key=lambda one: one.get("status") != "PRIMARY", default=None)


def _tell_events(service: dict[str, Any], seen: set[str], tell: Tell) -> None:
    for event in sorted(service.get("events", []), key=lambda one: one["createdAt"]):
        if event["id"] not in seen:
            seen.add(event["id"])
            tell(event["message"])


def _is_steady(service: dict[str, Any], ours: dict[str, Any]) -> bool:
    """ECS says so itself but for services without a rollout state: there the old tasks have to be gone."""
    enough = ours["runningCount"] >= ours["desiredCount"] and not ours.get("pendingCount")
    alone = len(service["deployments"]) == 1
    return bool(enough and ours.get("rolloutState", "COMPLETED" if alone else "") == "COMPLETED")


def _why_not(ecs: Any, settings: Settings, service: dict[str, Any], ours: dict[str, Any] | None) -> str:
    reason = str((ours or {}).get("rolloutStateReason", "")).rstrip(".")
    now = f"The service runs {_short(service['taskDefinition'])}."
    return " ".join(
        [f"ECS gave the deployment up{': ' + reason if reason else ''}.", now, *stopped_reasons(ecs, settings)]
    )


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]

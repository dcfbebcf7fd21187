"""Delivers to a Swarm service: one update of its image, by digest; the swarm itself waits for health, and goes back.

What a release's image was is kept as a label of the service, so that a rollback brings the same bits whatever a tag says by then.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from runners.executors.docker.engine import Refused
from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.docker import images
from runners.targets.docker.host import opened, reached
from runners.targets.docker.remote import Remote
from runners.targets.durations import seconds
from runners.targets.marks import whole_only
from runners.targets.swarm.settings import Settings

OWNER = "ciservice.target"
RELEASE = "ciservice.target.release"
IMAGE = "ciservice.target.image."  # and the release
KEEP = 10  # releases whose image is known
SETTLE_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_OVER = frozenset({"paused", "rollback_completed", "rollback_paused"})


def deliver(settings: Settings, delivery: Delivery, tell: Tell) -> None:
    """Update the service, and return when every task is of the release. TargetError where the swarm went back."""
    whole_only(delivery, "A Swarm service", "Shares need the target `docker` with a `proxy`.")
    with reached(settings, delivery) as host, opened(host) as engine:
        service = _service(engine, settings)
        labels = service["Spec"].get("Labels") or {}
        if labels.get(OWNER, _owner(delivery)) != _owner(delivery):
            raise TargetError(f"The service {settings.service} belongs to another project or environment of this CI.")
        image = labels.get(IMAGE + delivery.release) or images.pinned(engine, settings.image, settings.registry, tell)
        before = _update(service).get("StartedAt", "")
        if labels.get(RELEASE) == delivery.release and _image(service) == image:
            tell(f"The service {settings.service} is of release {delivery.release}")
        else:
            tell(f"Updating the service {settings.service} to {image}")
            engine.update_service(
                service["ID"],
                service["Version"]["Index"],
                _spec(service["Spec"], settings, delivery, image),
                images.login(settings.image, settings.registry),
            )
        _wait(engine, settings, delivery, before)
        tell(f"Every task of {settings.service} is of release {delivery.release}")


def running(settings: Settings, delivery: Delivery, tell: Tell) -> frozenset[str]:
    """The release that the service is of, where tasks of it run."""
    with reached(settings, delivery) as host, opened(host) as engine:
        service = _service(engine, settings)
        labels = service["Spec"].get("Labels") or {}
        if labels.get(OWNER) != _owner(delivery) or not _running(engine, service):
            return frozenset()
        return frozenset({labels[RELEASE]})


def _owner(delivery: Delivery) -> str:
    return f"{delivery.project}/{delivery.environment}"


def _service(engine: Remote, settings: Settings) -> dict[str, Any]:
    try:
        return engine.call("GET", f"/services/{quote(settings.service, safe='')}")
    except Refused as refusal:
        if refusal.status == requests.codes.not_found:
            raise TargetError(
                f"There is no service {settings.service} in the swarm: create it once (docker service create, or"
                " docker stack deploy); deployments update it."
            ) from refusal
        if refusal.status == requests.codes.service_unavailable:
            raise TargetError(f"host: this engine is no manager of a swarm: {refusal}") from refusal
        raise


def _spec(spec: Mapping[str, Any], settings: Settings, delivery: Delivery, image: str) -> dict[str, Any]:
    """The service as it is to be; what is not ours stays."""
    new = copy.deepcopy(dict(spec))
    labels = new.get("Labels") or {}
    known = sorted((name for name in labels if name.startswith(IMAGE)), key=_number)
    for old in known[: max(len(known) - KEEP + 1, 0)]:
        del labels[old]
    new["Labels"] = {
        **labels,
        OWNER: _owner(delivery),
        RELEASE: delivery.release,
        IMAGE + delivery.release: image,
    }
    container = new["TaskTemplate"]["ContainerSpec"]
    container["Image"] = image
    others = [line for line in container.get("Env") or () if not line.startswith("CI_RELEASE=")]
    container["Env"] = [*others, f"CI_RELEASE={delivery.release}"]
    new["UpdateConfig"] = {
        "Parallelism": 1,
        **(new.get("UpdateConfig") or {}),
        "Order": settings.order,
        "FailureAction": "rollback",
    }
    new["RollbackConfig"] = {"Parallelism": 1, **(new.get("RollbackConfig") or {}), "Order": settings.order}
    return new


def _wait(engine: Remote, settings: Settings, delivery: Delivery, before: str) -> None:
    begun = time.monotonic()
    while True:
        service = _service(engine, settings)
        update, passed = _update(service), time.monotonic() - begun
        state = update.get("State", "") if update.get("StartedAt", "") != before else ""
        ours = (service["Spec"].get("Labels") or {}).get(RELEASE) == delivery.release
        if state in _OVER or (not ours and state != "rollback_started"):
            raise TargetError(_why(engine, service, update))
        is_settled = state == "completed" or (not state and passed >= SETTLE_SECONDS)
        if ours and is_settled and _is_whole(engine, service):
            return
        if passed > seconds(settings.within):
            raise TargetError(f"{settings.service} is not of release {delivery.release} after {settings.within}.")
        time.sleep(_LOOK_SECONDS)


def _update(service: Mapping[str, Any]) -> dict[str, Any]:
    return service.get("UpdateStatus") or {}


def _image(service: Mapping[str, Any]) -> str:
    return str(service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])


def _tasks(engine: Remote, service: Mapping[str, Any]) -> list[dict[str, Any]]:
    return engine.listed("/tasks", {"service": [str(service["ID"])]})


def _running(engine: Remote, service: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tasks of its image that run, and are meant to."""
    return [
        task
        for task in _tasks(engine, service)
        if task["DesiredState"] == "running"
        and task["Status"]["State"] == "running"
        and task["Spec"]["ContainerSpec"]["Image"] == _image(service)
    ]


def _is_whole(engine: Remote, service: Mapping[str, Any]) -> bool:
    replicated = service["Spec"]["Mode"].get("Replicated")
    if replicated is None:  # one on each node: the swarm says that it is done
        return True
    return len(_running(engine, service)) >= int(replicated.get("Replicas", 1))


def _why(engine: Remote, service: Mapping[str, Any], update: Mapping[str, Any]) -> str:
    """What the swarm says of the update, and of the tasks that failed last."""
    failed = [task for task in _tasks(engine, service) if task["Status"]["State"] in {"failed", "rejected"}]
    failed.sort(key=lambda task: str(task["Status"].get("Timestamp", "")))
    errors = dict.fromkeys(str(task["Status"].get("Err") or task["Status"].get("Message")) for task in failed[-3:])
    said = str(update.get("Message") or update.get("State") or "it was changed by somebody else")
    return f"The swarm did not keep the release: {said}. Its tasks: {'; '.join(errors) or 'none failed'}."


def _number(label: str) -> int:
    release = label.removeprefix(IMAGE)
    return int(release) if release.isdigit() else 0

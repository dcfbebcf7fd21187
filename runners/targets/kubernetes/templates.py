"""What pods of a release are made from: the Deployment's template with another image, or the one of then."""

from __future__ import annotations

import copy
from typing import Any

from runners.targets.contract import Delivery, TargetError
from runners.targets.kubernetes.cluster import Cluster
from runners.targets.kubernetes.labels import CAUSE, cause, is_of, marks_of, release_of, selector
from runners.targets.kubernetes.settings import Settings

Json = dict[str, Any]


def with_image(main: Json, settings: Settings, delivery: Delivery) -> Json:
    """The template of now, with the release's image and annotations."""
    template: Json = copy.deepcopy(main["spec"]["template"])
    template["metadata"] = template.get("metadata") or {}
    template["metadata"]["annotations"] = {**(template["metadata"].get("annotations") or {}), **marks_of(delivery)}
    _container(template, settings.container)["image"] = settings.image
    return template


def with_image_only(main: Json, settings: Settings, delivery: Delivery) -> Json:
    """The same as a change: what others change at the same time stays."""
    changed = {"name": _container(main["spec"]["template"], settings.container)["name"], "image": settings.image}
    template = {"metadata": {"annotations": marks_of(delivery)}, "spec": {"containers": [changed]}}
    return {"metadata": {"annotations": {CAUSE: cause(delivery)}}, "spec": {"template": template}}


def kept(cluster: Cluster, main: Json, delivery: Delivery) -> Json | None:
    """The template that the cluster still has of a release: its ReplicaSet is not cleared away yet. None without."""
    for one in cluster.replica_sets(selector(main)):
        template = one["spec"]["template"]
        if is_of(one, main) and release_of(template, delivery) == delivery.release:
            found: Json = copy.deepcopy(template)
            (found["metadata"].get("labels") or {}).pop("pod-template-hash", None)
            return found
    return None


def _container(template: Json, name: str) -> Json:
    containers: list[Json] = template["spec"]["containers"]
    names = ", ".join(str(one["name"]) for one in containers)
    if not name and len(containers) > 1:
        raise TargetError(f"The Deployment has several containers: say with `container` which: {names}.")
    for one in containers:
        if one["name"] == (name or containers[0]["name"]):
            return one
    raise TargetError(f"The Deployment has no container {name}; it has {names}.")

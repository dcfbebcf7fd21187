"""A second Deployment beside the main one, with the release and a share of its pods: the Service in front sends to both."""

from __future__ import annotations

import copy
from typing import Any

from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.kubernetes.cluster import Cluster
from runners.targets.kubernetes.labels import CAUSE, PROJECT, TRACK, cause, marks_of, selector

Json = dict[str, Any]

_MOST_OF_NAME = 56  # of 63, which labels of pods made from it may have


def canary_name(deployment: str) -> str:
    """`web-canary`."""
    return f"{deployment[:_MOST_OF_NAME]}-canary"


def pods_for(percent: float, main: int) -> int:
    """How many pods beside `main` ones come nearest to that share of all; at least one, and no more than there are."""
    return min(max(round(main * percent / (100 - percent)), 1), max(main, 1))


def lay_canary(cluster: Cluster, main: Json, template: Json, delivery: Delivery, tell: Tell) -> str:
    """Make it, or make it this release's; gives its name."""
    name, wanted = canary_name(main["metadata"]["name"]), main["spec"].get("replicas", 1)
    pods = pods_for(delivery.percent, wanted)
    there = our_canary(cluster, main["metadata"]["name"], delivery)
    body = _body(main, template, name, pods, delivery)
    if there is None:
        cluster.create(body)
    else:
        cluster.replace(name, body)
    share = 100 * pods / (wanted + pods)
    tell(f"{name}: {pods} of {wanted + pods} pods, {share:.3g} % for {delivery.percent:g} % that were asked for")
    return name


def our_canary(cluster: Cluster, deployment: str, delivery: Delivery) -> Json | None:
    """The canary that is there. TargetError where a Deployment has its name and is not ours."""
    name = canary_name(deployment)
    there = cluster.deployment(name)
    if there is not None and (there["metadata"].get("annotations") or {}).get(PROJECT) != delivery.project:
        raise TargetError(
            f"There is a Deployment {name} already that this project did not make: it would be the canary's name. Rename it."
        )
    return there


def remove_canary(cluster: Cluster, deployment: str, delivery: Delivery, tell: Tell) -> None:
    """Nothing where there is none, or it is not ours."""
    there = cluster.deployment(canary_name(deployment))
    if there is not None and (there["metadata"].get("annotations") or {}).get(PROJECT) == delivery.project:
        cluster.delete(canary_name(deployment))
        tell(f"removed {canary_name(deployment)}")


def _body(main: Json, template: Json, name: str, pods: int, delivery: Delivery) -> Json:
    """As the main one, but for the name, a label, and the number: pods of either belong to one of them alone."""
    spec = copy.deepcopy(main["spec"])
    track = {TRACK: "canary"}
    template = copy.deepcopy(template)
    template["metadata"]["labels"] = {**(template["metadata"].get("labels") or {}), **track}
    spec["selector"]["matchLabels"] = {**selector(main), **track}
    spec.update(replicas=pods, template=template)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "labels": {**(main["metadata"].get("labels") or {}), **track},
            "annotations": {**marks_of(delivery), CAUSE: cause(delivery)},
        },
        "spec": spec,
    }

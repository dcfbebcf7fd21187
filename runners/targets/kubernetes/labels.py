"""How pods of a release are known in a cluster: annotations of the template that they are made from."""

from __future__ import annotations

from typing import Any

from runners.targets.contract import Delivery

Json = dict[str, Any]

RELEASE, COMMIT, PROJECT = "ciservice/release", "ciservice/commit", "ciservice/project"
CAUSE = "kubernetes.io/change-cause"  # what `kubectl rollout history` shows
TRACK = "ciservice/track"  # a label: "canary"


def marks_of(delivery: Delivery) -> dict[str, str]:
    """Of this release."""
    return {RELEASE: delivery.release, COMMIT: delivery.commit, PROJECT: delivery.project}


def cause(delivery: Delivery) -> str:
    """One line for people."""
    return f"release {delivery.release} ({delivery.commit[:12]}) to {delivery.environment}"


def release_of(template: Json, delivery: Delivery) -> str:
    """The number of this project's release that a template is for; "" where it is another's or nobody's."""
    found = (template.get("metadata") or {}).get("annotations") or {}
    return str(found.get(RELEASE, "")) if found.get(PROJECT) == delivery.project else ""


def selector(deployment: Json) -> dict[str, str]:
    """The labels that its pods have to have."""
    return dict(deployment["spec"]["selector"].get("matchLabels") or {})


def is_of(child: Json, owner: Json) -> bool:
    """Whether a ReplicaSet belongs to a Deployment, and not only looks like it."""
    owners = child["metadata"].get("ownerReferences") or []
    return any(one.get("uid") == owner["metadata"]["uid"] for one in owners)

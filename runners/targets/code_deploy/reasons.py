"""What failed of a deployment, on which instance, and the end of its script's log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runners.targets.aws import explained

_MOST_INSTANCES, _MOST_LINES = 5, 40
_KINDS = ("instanceTarget", "lambdaTarget", "ecsTarget", "cloudFormationTarget")


def reasons(deploy: Any, identity: str) -> list[str]:
    """Lines for the log."""
    with explained():
        targets = deploy.list_deployment_targets(deploymentId=identity, targetFilters={"TargetStatus": ["Failed"]})[
            "targetIds"
        ][:_MOST_INSTANCES]
        if not targets:
            return []
        found = deploy.batch_get_deployment_targets(deploymentId=identity, targetIds=targets)["deploymentTargets"]
    return [line for one in found for kind in _KINDS if kind in one for line in _lines(one[kind])]


def _lines(target: dict[str, Any]) -> Iterator[str]:
    for event in target.get("lifecycleEvents", []):
        diagnostics = event.get("diagnostics", {})
        if event.get("status") != "Failed" or not diagnostics:
            continue
        script = f" in {diagnostics['scriptName']}" if diagnostics.get("scriptName") else ""
        yield f"{target.get('targetId', '?')}: {event.get('lifecycleEventName', '?')} failed{script}: {diagnostics.get('message', '')}"
        yield from (f"    {line}" for line in diagnostics.get("logTail", "").splitlines()[-_MOST_LINES:])

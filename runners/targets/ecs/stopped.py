"""Why tasks of a service stopped, in ECS's words."""

from __future__ import annotations

from typing import Any

from runners.targets.aws import explained
from runners.targets.contract import TargetError
from runners.targets.ecs.settings import Settings

_MOST = 3


def stopped_reasons(ecs: Any, settings: Settings) -> list[str]:
    """A few sentences, each once; nothing where that cannot be asked: something else has failed already."""
    try:
        tasks = _stopped(ecs, settings)
    except TargetError:
        return []
    said = dict.fromkeys(sentence for task in tasks if (sentence := _sentence(task)))
    return list(said)[:_MOST]


def _stopped(ecs: Any, settings: Settings) -> list[dict[str, Any]]:
    with explained():
        arns = ecs.list_tasks(
            cluster=settings.cluster, serviceName=settings.service, desiredStatus="STOPPED", maxResults=10
        )["taskArns"]
        found: list[dict[str, Any]] = ecs.describe_tasks(cluster=settings.cluster, tasks=arns)["tasks"] if arns else []
    return found


def _sentence(task: dict[str, Any]) -> str:
    parts = [str(task.get("stoppedReason", "")).rstrip(".")]
    for container in task.get("containers", []):
        if container.get("reason"):
            parts.append(f"{container.get('name', '?')}: {container['reason']}".rstrip("."))
        elif container.get("exitCode"):
            parts.append(f"{container.get('name', '?')} ended with {container['exitCode']}")
    text = "; ".join(part for part in parts if part)
    return f"A task stopped: {text}." if text else ""

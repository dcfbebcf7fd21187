"""Rows of this app as the API tells them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from deployments.addresses import deployment_url, release_url
from deployments.models import Deployment, Freeze, ProbeResult, Release
from deployments.views.board import Column
from deployments.views.rows import Row
from deployments.views.stage_lines import StageLine

COLUMNS = {
    "uuid": "uuid",
    "state": "status",
    "reason": "reason",
    "environment": "environment__name",
    "environment_uuid": "environment__uuid",
    "release": "release__number",
    "commit_sha": "release__commit",
    "build_uuid": "release__build__uuid",
    "automatic": "automatic",
    "rollback": "is_rollback",
    "request_reason": "request_reason",
    "override_reason": "override_reason",
    "previous_release": "previous__number",
    "requested_at": "created_at",
    "approved_at": "approved_at",
    "expires_at": "expires_at",
    "held_until": "held_until",
    "paused_at": "paused_at",
    "started_at": "started_at",
    "live_at": "live_at",
    "finished_at": "finished_at",
}


def listed(project_uuid: UUID, row: dict[str, Any]) -> dict[str, Any]:
    """One of a list, from the values of COLUMNS."""
    told = {name: row[column] for name, column in COLUMNS.items()}
    return {**told, "url": deployment_url(project_uuid, row["uuid"])}


def whole(project_uuid: UUID, row: Row) -> dict[str, Any]:
    """A deployment with its stages and decisions."""
    values = {column: _value(row.deployment, column) for column in COLUMNS.values()}
    return {
        **listed(project_uuid, values),
        "stages": [_stage(line, row.deployment) for line in row.lines],
        "decisions": [
            {"who": each.who, "approved": each.approved, "comment": each.comment, "at": each.at}
            for each in row.decisions
        ],
    }


def environment(project_uuid: UUID, column: Column) -> dict[str, Any]:
    """A column of the board."""
    its, gates = column.environment, column.gates
    approval = gates.approval
    return {
        "uuid": its.uuid,
        "name": its.name,
        "branch": its.branch,
        "after": its.after,
        "retired": its.retired,
        "address": its.url,
        "gates": {
            "branches": list(gates.branches),
            "tags": list(gates.tags),
            "approval": approval
            and {
                "roles": list(approval.roles),
                "people": list(approval.people),
                "not_author": approval.not_author,
                "expires_seconds": approval.expires_seconds,
            },
            "windows": [window.text for window in gates.windows],
            "queue": gates.queue,
        },
        "health": {
            "state": its.health,
            "reason": its.health_reason,
            "since": its.health_since,
            "probes": _probes(column.watched),
        },
        "freezes": [freeze(each) for each in column.freezes],
        "live": whole(project_uuid, column.live) if column.live else None,
        "coming": [whole(project_uuid, row) for row in column.coming],
    }


def freeze(its: Freeze) -> dict[str, Any]:
    """A freeze, with its environment and who made it."""
    return {
        "uuid": its.uuid,
        "environment": its.environment.name if its.environment else None,
        "environment_uuid": its.environment.uuid if its.environment else None,
        "starts_at": its.starts_at,
        "ends_at": its.ends_at,
        "reason": its.reason,
        "created_by": its.created_by.email if its.created_by else None,
    }


def release(project_uuid: UUID, its: Release) -> dict[str, Any]:
    """A release with its build."""
    return {
        "number": its.number,
        "uuid": its.uuid,
        "commit_sha": its.commit,
        "commit_message": its.build.message,
        "build_uuid": its.build.uuid,
        "build_number": its.build.number,
        "images": its.images,
        "config_digest": its.config_digest,
        "irreversible": its.irreversible,
        "created_at": its.created_at,
        "url": release_url(project_uuid, its.number),
    }


def _value(deployment: Deployment, column: str) -> Any:
    value: Any = deployment
    for name in column.split("__"):
        value = getattr(value, name, None)
    return value


def _stage(line: StageLine, deployment: Deployment) -> dict[str, Any]:
    stage = line.stage
    times = ("rolled_out_at", "right_at", "bakes_until", "ended_at")
    return {
        "number": stage.number if stage else None,
        "kind": stage.kind if stage else "rollout",
        "percent": line.percent,
        "state": line.state or "none",
        "words": line.words,
        "release": stage.release.number if stage else deployment.release.number,
        "began_at": stage.created_at if stage else None,
        **{name: getattr(stage, name, None) for name in times},
        "reason": stage.reason if stage else "",
        "probes": _probes(line.probes),
    }


def _probes(probes: Iterable[ProbeResult]) -> list[dict[str, Any]]:
    return [
        {
            "url": probe.url,
            "right": probe.is_right,
            "status": probe.status,
            "milliseconds": probe.milliseconds,
            "tries": probe.tries,
            "failures": probe.failures,
            "reason": probe.reason,
            "answer": probe.answer,
            "at": probe.at,
        }
        for probe in probes
    ]

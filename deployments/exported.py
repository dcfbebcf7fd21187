"""What the export of an organisation's data tells of its deployments."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.models import Organization
from builds.services.export_parts import Part, Row, also, columns
from deployments.models import ApprovalDecision, Deployment, DeploymentMove, Environment, Freeze, Release

_PROJECT, _ENVIRONMENT, _DEPLOYMENT = "project__", "environment__project__", "deployment__environment__project__"


def _of(organization: Organization, project: str) -> Row:
    return {f"{project}organization": organization, f"{project}deleting_at": None}


def _environments(organization: Organization) -> Iterator[Row]:
    named = ("uuid", "project__uuid", "name", "position", "branch", "after", "retired", "gates", "url", "created_at")
    return columns(Environment.objects.filter(**_of(organization, _PROJECT)), named)


def _releases(organization: Organization) -> Iterator[Row]:
    named = (
        *("uuid", "project__uuid", "build__uuid", "number", "commit", "images", "config_digest"),
        *("irreversible", "created_at"),
    )
    return columns(Release.objects.filter(**_of(organization, _PROJECT)), named)


def _deployments(organization: Organization) -> Iterator[Row]:
    named = (
        *("uuid", "environment__uuid", "release__uuid", "status", "reason", "automatic", "is_rollback"),
        *("requested_by__email", "request_reason", "override_reason", "created_at", "started_at", "live_at"),
        "finished_at",
    )
    return columns(Deployment.objects.filter(**_of(organization, _ENVIRONMENT)), named)


def _moves(organization: Organization) -> Iterator[Row]:
    named = ("deployment__uuid", "came_from", "went_to", "at", "who", "reason")
    return columns(DeploymentMove.objects.filter(**_of(organization, _DEPLOYMENT)), named)


def _decisions(organization: Organization) -> Iterator[Row]:
    named = ("deployment__uuid", "who", "approved", "comment", "at")
    return columns(ApprovalDecision.objects.filter(**_of(organization, _DEPLOYMENT)), named)


def _freezes(organization: Organization) -> Iterator[Row]:
    named = ("uuid", "environment__uuid", "starts_at", "ends_at", "reason", "created_by__email", "created_at")
    return columns(Freeze.objects.filter(organization=organization), named)


for _name, _rows in {
    "environments": _environments,
    "releases": _releases,
    "deployments": _deployments,
    "deployment_moves": _moves,
    "decisions": _decisions,
    "freezes": _freezes,
}.items():
    also(Part(_name, _rows))

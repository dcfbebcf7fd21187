"""Secrets of an organisation; what builds would be given and what jobs were given; all that would have to be rotated."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Router, Schema, Status
from pydantic import Field

from builds.access import Right, organization_or_404, project_in_or_404, require
from builds.api import secrets as api
from builds.api.auth import Asked
from builds.api.schemas import Errors
from builds.models import Project, SecretsGiven
from builds.services.secret_report import secret_report
from builds.services.secrets import Place, limit_to, told
from builds.services.secrets_for import given

router = Router(tags=["secrets"])
MOST = 100
_ORGANIZATION = "/organizations/{uuid:organization_uuid}"
_PROJECT = f"{_ORGANIZATION}/projects/{{uuid:project_uuid}}"


class OrganizationSecretIn(api.SecretIn):
    """What to set one of an organisation's to."""

    projects: list[UUID] = Field([], max_length=1000, description="Those that are given it; none = all.")


class GivenOut(Schema):
    """One variable that a build would be given."""

    name: str
    kind: str
    place: str = Field(description="Where it is from, in words.")


class WouldGet(Schema):
    """What a build would be given, by name."""

    branch: str
    environment: str
    given: list[GivenOut]


class GivenName(Schema):
    """One variable of a job."""

    name: str
    place: str


class Giving(Schema):
    """What one try of a job was given."""

    at: datetime
    build_number: int
    build_uuid: UUID
    job: str
    attempt: int
    runner: str
    given: list[GivenName]


class Givings(Schema):
    """The newest first."""

    givings: list[Giving]


class KnownOut(Schema):
    """One thing that is secret, without its value."""

    what: str
    name: str
    place: str
    project_uuid: UUID | None
    changed_at: datetime
    changed_by: str
    given_at: datetime | None
    given_to: api.GivenTo | None


class Report(Schema):
    """All that would have to be set anew if somebody had read everything, the oldest first."""

    secrets: list[KnownOut]


@router.get(
    f"{_ORGANIZATION}/secrets",
    response={200: api.SecretList, 403: Errors, 404: Errors},
    operation_id="list_organization_secrets",
)
def list_organization_secrets(request: Asked, organization_uuid: UUID) -> dict[str, Any]:
    """The organisation's own."""
    organization = organization_or_404(request.auth, organization_uuid)
    require(request.auth, organization, Right.MANAGE_SECRETS)
    return api.shape(told(organization.secrets.all()))


@router.put(
    f"{_ORGANIZATION}/secrets/{{secret_name}}",
    response={204: None, **api.REFUSALS},
    operation_id="put_organization_secret",
)
def put_organization_secret(
    request: Asked, organization_uuid: UUID, secret_name: str, asked: OrganizationSecretIn
) -> Status[None]:
    """Set one for all projects of the organisation, or for some, or replace the one of that name."""
    place = Place(organization_or_404(request.auth, organization_uuid), branch=asked.branch)
    answer = api.put(request, place, secret_name, asked)
    chosen = Project.objects.filter(organization=place.organization, uuid__in=asked.projects)
    limit_to(place, secret_name, chosen.defer("hook_secret", "ssh_private_key"), who=request.auth)
    return answer


@router.delete(
    f"{_ORGANIZATION}/secrets/{{secret_name}}",
    response={204: None, **api.REFUSALS},
    operation_id="delete_organization_secret",
)
def delete_organization_secret(
    request: Asked, organization_uuid: UUID, secret_name: str, branch: str = ""
) -> Status[None]:
    """Remove one of the organisation's."""
    place = Place(organization_or_404(request.auth, organization_uuid), branch=branch[:200])
    return api.delete(request, place, secret_name)


@router.get(
    f"{_ORGANIZATION}/secrets-report", response={200: Report, 403: Errors, 404: Errors}, operation_id="report_secrets"
)
def report_secrets(request: Asked, organization_uuid: UUID) -> dict[str, Any]:
    """Every secret of the organisation and its projects: how old, who set it, who was given it last."""
    organization = organization_or_404(request.auth, organization_uuid)
    require(request.auth, organization, Right.MANAGE_SECRETS)
    rows = [
        {
            **{name: getattr(one, name) for name in ("what", "name", "place", "changed_at", "changed_by", "given_at")},
            "project_uuid": one.project.uuid if one.project else None,
            "given_to": api.given_to(one.given_to),
        }
        for one in secret_report(organization)
    ]
    return {"secrets": rows}


@router.get(f"{_PROJECT}/secrets-given", response={200: WouldGet, 404: Errors}, operation_id="show_given_secrets")
def show_given_secrets(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, branch: str = "", environment: str = ""
) -> dict[str, Any]:
    """What a build of a branch (or tag:name) would be given, with what goes to an environment; names alone."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    branch = branch[:255] or project.default_branch
    found = given(project, branch, environment[:100])
    told_of = [{"name": each.name, "kind": each.kind, "place": each.place} for each in found]
    return {"branch": branch, "environment": environment[:100], "given": told_of}


@router.get(f"{_PROJECT}/secrets-given/jobs", response={200: Givings, 404: Errors}, operation_id="list_givings")
def list_givings(request: Asked, organization_uuid: UUID, project_uuid: UUID) -> dict[str, Any]:
    """Which jobs were given which secrets when, the newest hundred."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    rows = SecretsGiven.objects.filter(project=project).select_related("job__build").order_by("-at", "-pk")
    rows = rows.only("given", "at", "attempt", "runner", "job__name", "job__build__number", "job__build__uuid")
    return {"givings": [_giving(row) for row in rows[:MOST]]}


def _giving(row: SecretsGiven) -> dict[str, Any]:
    build = row.job.build
    return {
        "at": row.at,
        "build_number": build.number,
        "build_uuid": build.uuid,
        "job": row.job.name,
        "attempt": row.attempt,
        "runner": row.runner,
        "given": [{"name": name, "place": place} for name, place in row.given],
    }

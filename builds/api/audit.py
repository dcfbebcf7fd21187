"""The audit log of an organisation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from accounts.services.audit_log import AuditFilter, entries
from builds.access import Right, organization_or_404, require
from builds.api.auth import Asked
from builds.api.moments import Moment
from builds.api.paging import Paging, page_of
from builds.api.schemas import Errors, Page

router = Router(tags=["organisations"])
_COLUMNS = ("id", "created_at", "user__email", "action", "subject", "address", "details")


class AuditAsked(Schema):
    """What to tell of."""

    who: str = Field("", max_length=254, description="A part of an e-mail address.")
    action: str = Field("", max_length=60, description='An action, or the beginning of some: "member.".')
    since: Moment | None = None
    until: Moment | None = Field(None, description="Before this moment.")


class AuditOut(Schema):
    """Who did what to what."""

    id: int
    at: datetime
    who: str | None = Field(
        description="An e-mail address; null where the service itself did it, or the person is gone."
    )
    action: str
    subject: str
    address: str | None = Field(description="From where it was asked.")
    details: dict[str, Any]


class AuditPage(Page):
    """Entries, the newest first."""

    entries: list[AuditOut]


@router.get(
    "/organizations/{uuid:organization_uuid}/audit",
    response={200: AuditPage, 403: Errors, 404: Errors},
    operation_id="list_audit",
)
def list_audit(
    request: Asked, organization_uuid: UUID, asked: Annotated[AuditAsked, Query()], paging: Paging
) -> HttpResponse:
    """What changed who may do what, or what runs where; owners and managers may read it."""
    organization = organization_or_404(request.auth, organization_uuid)
    require(request.auth, organization, Right.SEE_AUDIT)
    wanted = AuditFilter(
        who=asked.who.replace("\0", ""),
        action=asked.action.replace("\0", ""),
        since=asked.since,
        until=asked.until,
    )
    return page_of(request, entries(organization, wanted).values(*_COLUMNS), paging, "entries", _told)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "at": row["created_at"],
        "who": row["user__email"],
        "action": row["action"],
        "subject": row["subject"],
        "address": row["address"],
        "details": row["details"],
    }

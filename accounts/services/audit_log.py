"""Reads the audit log of an organisation: what a filter lets through, the newest first, as rows or as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import AuditEntry, Organization

_AT_ONCE = 500
_COLUMNS = ("when", "who", "action", "subject", "from", "details")
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class AuditFilter:
    """What to show; "" and None = all. `who` is a part of an e-mail address, `action` the beginning of one: "member."."""

    who: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None


def entries(organization: Organization, wanted: AuditFilter) -> QuerySet[AuditEntry]:
    """The entries with their people, the newest first."""
    rows = AuditEntry.objects.filter(organization=organization).select_related("user")
    if wanted.who:
        rows = rows.filter(user__email__icontains=wanted.who)
    if wanted.action:
        rows = rows.filter(action__startswith=wanted.action)
    if wanted.since is not None:
        rows = rows.filter(created_at__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(created_at__lt=wanted.until)
    return rows.order_by("-pk")


def actions(organization: Organization) -> list[str]:
    """The actions that the log knows, for a choice."""
    known = AuditEntry.objects.filter(organization=organization).order_by("action").values_list("action", flat=True)
    return list(known.distinct()[:300])


def as_csv(rows: QuerySet[AuditEntry]) -> Iterator[bytes]:
    """CSV, some hundred entries at a time."""
    yield _lines([list(_COLUMNS)])
    last = None
    while some := list((rows if last is None else rows.filter(pk__lt=last))[:_AT_ONCE]):
        last = some[-1].pk
        yield _lines([_cells(entry) for entry in some])


def _cells(entry: AuditEntry) -> list[str]:
    details = json.dumps(entry.details, ensure_ascii=False) if entry.details else ""
    who = entry.user.email if entry.user else ""
    cells = [entry.created_at.isoformat(), who, entry.action, entry.subject, entry.address or "", details]
    return [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells]


def _lines(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(errors="replace")

"""The audit log of an organisation: who did what to what, when and from where."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import AuditEntry
from accounts.services.audit_log import AuditFilter, actions, as_csv, entries
from builds.access import Right
from builds.numbers import whole
from builds.organization_forms import AuditForm
from builds.streaming import in_threads
from builds.views.person import organization_to_change

PAGE = 50


@require_safe
def audit(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """One page; `before` is the number of the entry that the last page ended with."""
    _, organization = organization_to_change(request, organization_uuid, Right.SEE_AUDIT)
    form = AuditForm(actions(organization), request.GET or None)
    rows = entries(organization, _wanted(form))
    before = whole(request.GET.get("before", ""), digits=18)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    shown = list(rows[: PAGE + 1])
    filters = {name: value for name, value in request.GET.items() if name in form.fields and value}
    older = urlencode({**filters, "before": shown[PAGE - 1].pk}) if len(shown) > PAGE else ""
    context: dict[str, Any] = {
        "organization": organization,
        "tab": "audit",
        "form": form,
        "entries": [(entry, _details(entry)) for entry in shown[:PAGE]],
        "older": older,
        "filters": urlencode(filters),
        "is_filtered": bool(filters),
    }
    return render(request, "organizations/audit.html", context, status=400 if form.errors else 200)


@never_cache
@require_safe
def download(request: HttpRequest, organization_uuid: UUID) -> HttpResponseBase:
    """All that the filter lets through, as CSV."""
    _, organization = organization_to_change(request, organization_uuid, Right.SEE_AUDIT)
    form = AuditForm(actions(organization), request.GET or None)
    if form.errors:
        return HttpResponseBadRequest(_told(form), content_type="text/plain; charset=utf-8")
    rows = entries(organization, _wanted(form))
    answer = StreamingHttpResponse(in_threads(as_csv(rows)), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="audit-{organization.slug}.csv"'
    return answer


def _told(form: AuditForm) -> str:
    return "".join(f"{name}: {' '.join(map(str, errors))}\n" for name, errors in form.errors.items())


def _wanted(form: AuditForm) -> AuditFilter:
    return form.wanted() if form.is_valid() else AuditFilter()


def _details(entry: AuditEntry) -> list[tuple[str, str]]:
    """Names and values for people; what is empty says nothing."""
    return [(name, _said(value)) for name, value in entry.details.items() if value not in (None, "", [], {})]


def _said(value: object) -> str:
    """A value of an entry in words: "a, b"; "name a, slug b"."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(each)}" for name, each in value.items())
    return ", ".join(map(_said, value)) if isinstance(value, list) else str(value)

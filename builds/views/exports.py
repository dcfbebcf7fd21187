"""An organisation's data as a file: ask for it, download it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.services.audit import record
from accounts.services.roles import RefusedError
from builds.access import Right
from builds.services.export import ask_for_export, exports_of
from builds.streaming import file_answer
from builds.views.person import organization_to_change


@require_POST
def ask(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """Have the file made by a worker."""
    user, organization = organization_to_change(request, organization_uuid, Right.EXPORT_ORGANIZATION)
    try:
        ask_for_export(organization, by=user)
    except RefusedError as refused:
        messages.info(request, str(refused))
    else:
        messages.success(request, "The file is being made; it is here in some minutes.")
    return redirect("organization_settings", organization_uuid)


@require_POST
def download(request: HttpRequest, organization_uuid: UUID, export_uuid: UUID) -> HttpResponseBase:
    """The file, a piece at a time; a POST, because the audit log notes it."""
    user, organization = organization_to_change(request, organization_uuid, Right.EXPORT_ORGANIZATION)
    export = get_object_or_404(exports_of(organization), uuid=export_uuid)
    if not export.storage_name:
        raise Http404
    record("export.downloaded", organization.name, user=user, organization=organization)
    return file_answer(export.storage_name, f"{organization.slug}-{export.created_at:%Y-%m-%d}.zip", export.size)

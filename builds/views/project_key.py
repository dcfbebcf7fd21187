"""The key section of a project's settings: put a codeship.aes, make a new key, take the key away as a file."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from builds.access import Right
from builds.services import project_key as key
from builds.views.person import project_to_change
from runners.encryption import KEY_FILE, EncryptionError

_MOST_BYTES = 4096


@require_POST
def put(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Take an uploaded codeship.aes, or its text."""
    user, project = project_to_change(request, uuid, Right.CHANGE_PROJECT)
    file = request.FILES.get("file")
    text = file.read(_MOST_BYTES).decode(errors="replace") if file else request.POST.get("text", "")
    try:
        key.put_key(project, text, who=user)
    except EncryptionError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The key is kept: builds from now on open what was encrypted with it.")
    return _to_section(uuid)


@require_POST
def renew(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """A new key: what the repository has encrypted must be encrypted again."""
    user, project = project_to_change(request, uuid, Right.CHANGE_PROJECT)
    key.renew_key(project, who=user)
    messages.success(request, "There is a new key. Download it, and encrypt the repository's files with it again.")
    return _to_section(uuid)


@require_POST
@never_cache
def download(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The key as codeship.aes; only by POST, so that no link fetches it unasked."""
    user, project = project_to_change(request, uuid, Right.CHANGE_PROJECT)
    text = key.take_key(project, who=user)
    if not text:
        messages.error(request, "The project has no key yet.")
        return _to_section(uuid)
    disposition = f'attachment; filename="{KEY_FILE}"'
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers={"Content-Disposition": disposition})


def _to_section(uuid: UUID) -> HttpResponse:
    answer = redirect("project_settings", uuid)
    answer["Location"] += "#key"
    return answer

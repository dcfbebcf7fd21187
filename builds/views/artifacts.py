"""Artifacts of a build."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from builds.access import build_or_404
from builds.models import Artifact
from builds.streaming import file_answer
from builds.views.person import person


@require_safe
@never_cache
def artifact(request: HttpRequest, uuid: UUID, number: int, artifact_uuid: UUID) -> HttpResponseBase:
    """The file."""
    build = build_or_404(person(request), uuid, number)
    found = get_object_or_404(Artifact, uuid=artifact_uuid, job__build=build)
    return file_answer(found.storage_name, found.path, found.size)

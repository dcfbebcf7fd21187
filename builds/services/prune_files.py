"""Forget artifacts after their days, and caches that nobody used for a while."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from builds.models import Artifact, Cache
from builds.services.depot import forget

_AT_ONCE = 1000


def prune_files() -> int:
    """At most a thousand of each kind a call; how many went."""
    artifacts = Artifact.objects.filter(created_at__lt=Now() - timedelta(days=settings.ARTIFACT_DAYS))
    caches = Cache.objects.filter(used_at__lt=Now() - timedelta(days=settings.CACHE_DAYS))
    return _prune(artifacts) + _prune(caches)


def _prune(rows: QuerySet[Artifact] | QuerySet[Cache]) -> int:
    """The row first: a file without a row is only waste, a row without its file is a broken link."""
    old = dict(rows.order_by("pk").values_list("pk", "storage_name")[:_AT_ONCE])
    rows.model._base_manager.filter(pk__in=list(old)).delete()
    forget(list(old.values()))
    return len(old)

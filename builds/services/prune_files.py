"""Forget artifacts after their days, and caches that nobody used for a while."""

from __future__ import annotations

from django.db.models import QuerySet

from builds.models import Artifact, Cache
from builds.services.depot import forget
from builds.services.retention import expired

_AT_ONCE = 1000


def prune_files() -> int:
    """At most a thousand of each kind and organisation's rule a call; how many went."""
    artifacts = expired("artifact_days", organization="job__organization", since="created_at")
    caches = expired("cache_days", organization="project__organization", since="used_at")
    return sum(
        [
            *(_prune(Artifact.objects.filter(mine)) for mine in artifacts),
            *(_prune(Cache.objects.filter(mine)) for mine in caches),
        ]
    )


def _prune(rows: QuerySet[Artifact] | QuerySet[Cache]) -> int:
    """The row first: a file without a row is only waste, a row without its file is a broken link."""
    old = dict(rows.order_by("pk").values_list("pk", "storage_name")[:_AT_ONCE])
    rows.model._base_manager.filter(pk__in=list(old)).delete()
    forget(list(old.values()))
    return len(old)

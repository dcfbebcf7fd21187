"""Forget builds and logs after their days. What is needed stays: the newest of each project, and what later apps hold on to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db.models import F, QuerySet

from builds.models import Artifact, Build, Segment
from builds.services.depot import forget
from builds.services.retention import expired
from builds.states import FINAL

NEWEST_KEPT = 10
_BUILDS_AT_ONCE = 100
_SEGMENTS_AT_ONCE = 1000

Keeps = Callable[[Sequence[int]], set[int]]
"""Of these keys of builds, those that must stay."""

_keepers: list[Keeps] = []


def also_keeps(keeps: Keeps) -> None:
    """Have a later app say which builds must stay; registered in its `ready()`."""
    if keeps not in _keepers:
        _keepers.append(keeps)


def prune_builds() -> int:
    """At most a hundred builds and the segments of a thousand logs' stretches a call, of each organisation; how many rows went."""
    gone = 0
    for mine in expired("build_days", organization="project__organization", since="finished_at"):
        gone += _forget_builds(Build.objects.filter(mine, status__in=FINAL))
    for mine in expired("log_days", organization="step__job__organization", since="step__job__build__finished_at"):
        gone += _forget_logs(Segment.objects.filter(mine))
    return gone


def _forget_builds(old: QuerySet[Build]) -> int:
    """Rows first, as for every file: a file without a row is only waste."""
    old = old.filter(number__lte=F("project__last_build_number") - NEWEST_KEPT).order_by("pk")
    keys: list[int] = []
    after = 0
    while len(keys) < _BUILDS_AT_ONCE:
        # What stays must not stand in the way of what lies behind it.
        some = list(old.filter(pk__gt=after).values_list("pk", flat=True)[:_BUILDS_AT_ONCE])
        if not some:
            break
        kept = {pk for keeps in _keepers for pk in keeps(some)}
        keys += [pk for pk in some if pk not in kept]
        after = some[-1]
    if not keys:
        return 0
    of_steps = Segment.objects.filter(step__job__build__in=keys).values_list("storage_name", flat=True)
    of_jobs = Artifact.objects.filter(job__build__in=keys).values_list("storage_name", flat=True)
    names = [*of_steps, *of_jobs]
    Build.objects.filter(pk__in=keys).delete()
    forget(names)
    return len(keys)


def _forget_logs(old: QuerySet[Segment]) -> int:
    some = dict(old.order_by("pk").values_list("pk", "storage_name")[:_SEGMENTS_AT_ONCE])
    Segment.objects.filter(pk__in=list(some)).delete()
    forget(list(some.values()))
    return len(some)

"""Who is there to do the work: runners by their pulse, on the clock that they are seen by, the database's."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from builds.models import Runner


def alive() -> QuerySet[Runner]:
    """Runners whose pulse is younger than a lease, and which may work."""
    lately = Runner.objects.filter(seen_at__gte=Now() - timedelta(seconds=settings.LEASE_SECONDS))
    return lately.filter(left_at=None, revoked_at=None)


def is_alive(runner: Runner) -> bool:
    """Whether its process still tells of itself; a revoked one may."""
    lately = Runner.objects.filter(pk=runner.pk, left_at=None)
    return lately.filter(seen_at__gte=Now() - timedelta(seconds=settings.LEASE_SECONDS)).exists()


def live_runners() -> list[Runner]:
    """Those that are alive, by name."""
    return list(alive().order_by("name")[:500])

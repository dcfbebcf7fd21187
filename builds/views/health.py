"""Who is there to do the work: what a page says while a build waits."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from builds.models import Runner


def live_runners() -> list[Runner]:
    """Runners whose pulse is younger than a lease, by name."""
    alive_since = timezone.now() - timedelta(seconds=settings.LEASE_SECONDS)
    return list(Runner.objects.filter(seen_at__gte=alive_since).order_by("name")[:500])

"""The row of a runner: written with each beat of its heart, gone when it leaves."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from builds.models import Runner
from builds.services.claim import RunnerIdentity


def beat(runner: RunnerIdentity, *, capacity: int, executor: str, draining: bool, obstacle: str = "") -> None:
    """Say that this runner lives, by the database's clock; `obstacle` says why it takes no jobs, "" = it does."""
    facts = {
        "labels": sorted(runner.labels),
        "capacity": capacity,
        "executor": executor,
        "version": settings.VERSION,
        "note": settings.EXECUTOR_NOTE,
        "draining": draining,
        "obstacle": obstacle,
        "seen_at": Now(),
    }
    Runner.objects.update_or_create(name=runner.name, defaults=facts, create_defaults={**facts, "started_at": Now()})


def leave(runner: RunnerIdentity) -> None:
    """The runner was shut down in good order."""
    Runner.objects.filter(name=runner.name).delete()


def live_runners() -> QuerySet[Runner]:
    """Runners that were heard of within two leases."""
    return Runner.objects.filter(seen_at__gt=Now() - timedelta(seconds=2 * settings.LEASE_SECONDS))

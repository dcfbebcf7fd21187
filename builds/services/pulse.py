"""The row of a runner: written with each beat of its heart, gone when it leaves."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from builds.models import Runner
from builds.services.claim import RunnerIdentity

_CLOCK_SECONDS = 30


def beat(runner: RunnerIdentity, *, capacity: int, executor: str, draining: bool, obstacle: str = "") -> None:
    """Say that this runner lives, by the database's clock; `obstacle` says why it takes no jobs, "" = it does."""
    facts = {
        "labels": sorted(runner.labels),
        "capacity": capacity,
        "executor": executor,
        "version": settings.VERSION,
        "note": " ".join(filter(None, [settings.EXECUTOR_NOTE, _clock_note(runner)])),
        "draining": draining,
        "obstacle": obstacle,
        "seen_at": Now(),
    }
    Runner.objects.update_or_create(name=runner.name, defaults=facts, create_defaults={**facts, "started_at": Now()})


def _clock_note(runner: RunnerIdentity) -> str:
    """What people should know of the machine's clock; leases do not mind, but the times that it writes are off."""
    at = Runner.objects.filter(name=runner.name).annotate(at=Now()).values_list("at", flat=True).first()
    off = (timezone.now() - at).total_seconds() if at else 0.0
    if abs(off) < _CLOCK_SECONDS:
        return ""
    ahead = "ahead of" if off > 0 else "behind"
    return f"The clock of {runner.name} is {abs(off):.0f} s {ahead} the database's, and so are times of its jobs: set it by NTP."


def leave(runner: RunnerIdentity) -> None:
    """The runner was shut down in good order."""
    Runner.objects.filter(name=runner.name).delete()


def live_runners() -> QuerySet[Runner]:
    """Runners that were heard of within two leases."""
    return Runner.objects.filter(seen_at__gt=Now() - timedelta(seconds=2 * settings.LEASE_SECONDS))

"""The row of a runner: written with each beat of its heart, gone when it leaves; and where it hears what it was told."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Organization
from builds.models import Runner
from builds.services.identity import RunnerIdentity

_CLOCK_SECONDS = 30


def beat(
    runner: RunnerIdentity, *, capacity: int, executor: str, draining: bool, obstacle: str = "", is_first: bool = False
) -> Runner:
    """Say that this runner lives, by the database's clock; `obstacle` says why it takes no jobs, "" = it does.

    The row that comes back has what the runner was told: `drain_at` (before this process began does not count),
    `paused_at`, `revoked_at`.
    """
    pool, missing = _pool(runner)
    facts = {
        "labels": sorted(runner.labels),
        "capacity": capacity,
        "executor": executor,
        "version": settings.VERSION,
        "note": " ".join(filter(None, [settings.EXECUTOR_NOTE, _clock_note(runner)])),
        "draining": draining,
        "obstacle": missing or obstacle,
        "serves": runner.serves,
        "organization_id": pool,
        "seen_at": Now(),
        "left_at": None,
    }
    if is_first:
        facts |= {"started_at": Now(), "drain_at": None, "drain_by": ""}
    created = {**facts, "started_at": Now()}
    return Runner.objects.update_or_create(name=runner.name, defaults=facts, create_defaults=created)[0]


def _pool(runner: RunnerIdentity) -> tuple[int | None, str]:
    """The key of the organisation that it serves alone, and what is wrong with that."""
    if runner.organization is None:
        return None, ""
    found = Organization.objects.filter(uuid=runner.organization).values_list("pk", flat=True).first()
    return found, "" if found else f"It serves one organisation alone, {runner.organization}, which is not there."


def _clock_note(runner: RunnerIdentity) -> str:
    """What people should know of the machine's clock; leases do not mind, but the times that it writes are off."""
    at = Runner.objects.filter(name=runner.name).annotate(at=Now()).values_list("at", flat=True).first()
    off = (timezone.now() - at).total_seconds() if at else 0.0
    if abs(off) < _CLOCK_SECONDS:
        return ""
    ahead = "ahead of" if off > 0 else "behind"
    return f"The clock of {runner.name} is {abs(off):.0f} s {ahead} the database's, and so are times of its jobs: set it by NTP."


def leave(runner: RunnerIdentity) -> None:
    """The runner was shut down in good order. What it was told stays told: a pause outlives a restart."""
    mine = Runner.objects.filter(name=runner.name)
    mine.filter(paused_at=None, revoked_at=None).delete()
    mine.update(left_at=Now(), draining=False, drain_at=None, drain_by="")


def live_runners() -> QuerySet[Runner]:
    """Runners that were heard of within two leases, and may work."""
    lately = Runner.objects.filter(seen_at__gt=Now() - timedelta(seconds=2 * settings.LEASE_SECONDS))
    return lately.filter(left_at=None, revoked_at=None)

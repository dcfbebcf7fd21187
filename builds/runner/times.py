"""Every interval of a runner's loop, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, kw_only=True)
class Times:
    """How often what is done; tests shorten it."""

    poll: float
    heartbeat: float
    self_fence: float
    reap: float
    watch: float = 0.5  # for cancel flags, while jobs run
    fence_tick: float = 0.2
    sweep: float = 300
    stop: float = 25  # a stopped job has SIGTERM, ten seconds, SIGKILL, and the removal of what it left

    @classmethod
    def from_settings(cls) -> Times:
        """What the instance is set to."""
        return cls(
            poll=settings.RUNNER_POLL_SECONDS,
            heartbeat=settings.HEARTBEAT_SECONDS,
            self_fence=settings.SELF_FENCE_SECONDS,
            reap=settings.REAP_SECONDS,
            # What a lost attempt left can go once its lease has ended.
            sweep=max(settings.LEASE_SECONDS, 5),
        )

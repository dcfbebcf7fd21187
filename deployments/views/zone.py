"""On whose clock an environment's times are told."""

from __future__ import annotations

from builds.pipeline.delivery import Gates


def zone_of(gates: Gates) -> str:
    """The time zone of its first window; UTC where it has none."""
    return gates.windows[0].zone if gates.windows else "UTC"

"""Look at a stage until it is right. (Its owner replaces this file.)"""

from __future__ import annotations

from deployments.models import Stage


def begin(stage: Stage) -> bool:
    """Whether there is anything to look at."""
    return stage.look_at is not None

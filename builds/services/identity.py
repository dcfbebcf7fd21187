"""Who a runner is: what it says of itself when it claims a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from builds.models.runner import Serves


@dataclass(frozen=True, kw_only=True)
class RunnerIdentity:
    """A name that no other runner has, what the machine offers, and whose jobs it takes (None = every organisation's)."""

    name: str
    labels: frozenset[str] = field(default_factory=frozenset)
    serves: str = Serves.ALL
    organization: UUID | None = None

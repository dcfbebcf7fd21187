"""Which repositories may be fetched, and how long a fetch may take."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class GitLimits:
    """How long a fetch may take before it is given up."""

    total_seconds: float = 600  # all tries together
    tries: int = 3
    pauses: tuple[float, ...] = (2, 8)  # seconds between the tries
    slow_bytes: int = 1000  # a transfer below this many bytes a second ...
    slow_seconds: int = 30  # ... for so long is broken off
    connect_seconds: int = 15


@dataclass(frozen=True, kw_only=True)
class GitPolicy:
    """Which repositories may be fetched: public hosts by https and ssh, and what the operator adds."""

    allow_local: bool = False  # repositories on this machine, by path
    allowed_hosts: tuple[str, ...] = ()  # names that may resolve to private addresses, or speak plain http; "*" = all
    limits: GitLimits = field(default_factory=GitLimits)

    def trusts(self, host: str) -> bool:
        """Whether the operator named this host."""
        return "*" in self.allowed_hosts or host.lower() in {name.lower() for name in self.allowed_hosts}

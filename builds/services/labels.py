"""Labels: what a job asks of its runner, as one comparable string."""

from __future__ import annotations

from collections.abc import Iterable


def joined(labels: Iterable[str]) -> str:
    """Sorted, each once, joined by commas: how a job's row holds them. "" = any runner will do."""
    return ",".join(sorted({label.strip().lower() for label in labels if label.strip()}))


def satisfies(runner: frozenset[str], wanted: str) -> bool:
    """Whether a runner with these labels may take a job that wants `wanted` (as `joined` wrote it)."""
    return not wanted or set(wanted.split(",")) <= runner

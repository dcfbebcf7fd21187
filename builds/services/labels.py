"""Labels: what a job asks of its runner, as one comparable string.

A change from a fork carries a mark that no configuration can write, so that its jobs stand in lanes of their own and
runners can be kept to them, or from them.
"""

from __future__ import annotations

from collections.abc import Iterable

from builds.models.runner import Serves

FORK = ":fork"


def joined(labels: Iterable[str], *, from_fork: bool = False) -> str:
    """Sorted, each once, joined by commas: how a job's row holds them. "" = any runner will do."""
    words = {label.strip().lower() for label in labels}
    asked = {word for word in words if word and not word.startswith(":")}
    return ",".join(sorted(asked | ({FORK} if from_fork else set())))


def asked(wanted: str) -> frozenset[str]:
    """The labels that a configuration asked for, of a job's row."""
    return frozenset(word for word in wanted.split(",") if word and not word.startswith(":"))


def satisfies(runner: frozenset[str], wanted: str, *, serves: str = Serves.ALL) -> bool:
    """Whether a runner with these labels may take a job that wants `wanted` (as `joined` wrote it)."""
    return may_serve(serves, wanted) and asked(wanted) <= runner


def may_serve(serves: str, wanted: str) -> bool:
    """Whether such a runner takes such jobs at all."""
    is_fork = FORK in wanted.split(",")
    return {Serves.TRUSTED: not is_fork, Serves.FORKS: is_fork}.get(Serves(serves), True)

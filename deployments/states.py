"""The states of a deployment and the one table of legal moves."""

from __future__ import annotations

from django.db import models


class DeploymentStatus(models.TextChoices):
    """Where a deployment stands."""

    REQUESTED = "requested"  # accepted; its turn in the environment has not come
    HELD = "held"  # outside the window, or frozen
    WAITING = "waiting"  # for a person's approval
    ROLLING_OUT = "rolling_out"  # its steps wait for a runner or run
    VERIFYING = "verifying"  # its probes and checks are asked, and it bakes
    LIVE = "live"  # its steps passed, and nothing newer has replaced it... as far as we know
    FAILED = "failed"
    ROLLING_BACK = "rolling_back"  # the release before it is brought back
    ROLLED_BACK = "rolled_back"  # it was taken back: by itself, or by a later rollback
    SUPERSEDED = "superseded"  # a newer release went first, or replaced it
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # its runner vanished: a person says what happened


_S = DeploymentStatus

MOVES: dict[DeploymentStatus, frozenset[DeploymentStatus]] = {
    _S.REQUESTED: frozenset({_S.HELD, _S.WAITING, _S.ROLLING_OUT, _S.SUPERSEDED, _S.CANCELLED, _S.FAILED}),
    _S.HELD: frozenset({_S.REQUESTED, _S.WAITING, _S.ROLLING_OUT, _S.SUPERSEDED, _S.CANCELLED}),
    _S.WAITING: frozenset({_S.REQUESTED, _S.HELD, _S.ROLLING_OUT, _S.SUPERSEDED, _S.CANCELLED}),
    _S.ROLLING_OUT: frozenset({_S.VERIFYING, _S.LIVE, _S.FAILED, _S.ROLLING_BACK, _S.CANCELLED, _S.UNKNOWN}),
    _S.VERIFYING: frozenset({_S.ROLLING_OUT, _S.LIVE, _S.FAILED, _S.ROLLING_BACK, _S.CANCELLED, _S.UNKNOWN}),
    _S.LIVE: frozenset({_S.ROLLING_BACK, _S.ROLLED_BACK, _S.SUPERSEDED}),
    _S.ROLLING_BACK: frozenset({_S.ROLLED_BACK, _S.FAILED, _S.UNKNOWN}),
    # A person has looked: at a share it goes on or back, of a rollback it is said whether that worked.
    _S.UNKNOWN: frozenset({_S.ROLLING_OUT, _S.VERIFYING, _S.LIVE, _S.FAILED, _S.ROLLING_BACK, _S.ROLLED_BACK}),
}
FINAL = frozenset(set(_S) - MOVES.keys())
# One at a time: while a deployment is in one of these its environment takes no other.
BUSY = frozenset({_S.ROLLING_OUT, _S.VERIFYING, _S.ROLLING_BACK, _S.UNKNOWN})
PENDING = frozenset({_S.REQUESTED, _S.HELD, _S.WAITING})


def sources_of(to: str) -> list[DeploymentStatus]:
    """The states from which `to` can be reached."""
    return [source for source, targets in MOVES.items() if DeploymentStatus(to) in targets]

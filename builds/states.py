"""The states of builds, jobs and steps, and the one table of legal moves."""

from __future__ import annotations

from django.db import models


class Status(models.TextChoices):
    """Where a build, a job or a step stands."""

    QUEUED = "queued"  # accepted, no runner has it yet
    WAITING = "waiting"  # for a person's approval
    BLOCKED = "blocked"  # of a job: it needs others that have not passed yet
    RUNNING = "running"  # a runner holds the lease
    PASSED = "passed"  # everything that had to pass did
    FAILED = "failed"  # the project's own commands, or its configuration
    ERRORED = "errored"  # our side: lost runner, no image, full disk
    CANCELLED = "cancelled"  # a person or a newer push stopped it
    SKIPPED = "skipped"  # left out: a filter, or something before it failed


_Q, _W, _B, _R = Status.QUEUED, Status.WAITING, Status.BLOCKED, Status.RUNNING
FINAL = frozenset(set(Status) - {_Q, _W, _B, _R})
BROKEN = frozenset({Status.FAILED, Status.ERRORED})  # whoever is to blame

# A running job waits again when its runner is lost or drains; a build follows its jobs.
MOVES: dict[Status, frozenset[Status]] = {
    _Q: frozenset({_R, _W, *FINAL}),
    _W: frozenset({_Q, _R, *FINAL}),
    _B: frozenset({_Q, *FINAL}),
    _R: frozenset({_Q, _W, *FINAL}),
}

# CodeShip's words for the API (codeship.md, sections 7 and 10).
CODESHIP_STATUS: dict[str, str] = {
    _Q: "waiting",
    _W: "waiting",
    _B: "waiting",
    _R: "testing",
    Status.PASSED: "success",
    Status.FAILED: "error",
    Status.ERRORED: "infrastructure_failure",
    Status.CANCELLED: "stopped",
    Status.SKIPPED: "ignored",
}

# From worst to best, for a build that is a function of its jobs.
_WORST_FIRST = (Status.ERRORED, Status.FAILED, Status.CANCELLED)


def may_move(came_from: str, to: str) -> bool:
    """Whether the table has this move."""
    return Status(to) in MOVES.get(Status(came_from), frozenset())


def sources_of(to: str) -> list[Status]:
    """The states from which `to` can be reached."""
    return [source for source, targets in MOVES.items() if Status(to) in targets]


def as_counted(status: str, *, may_fail: bool) -> Status:
    """What a job's state counts for its build: a failure that is allowed passes."""
    return Status.PASSED if may_fail and status == Status.FAILED else Status(status)


def of_jobs(jobs: list[str]) -> Status:
    """The state of a build as a pure function of its jobs' states; no jobs means skipped."""
    states = {Status(job) for job in jobs}
    if not states:
        return Status.SKIPPED
    begun = (FINAL - {Status.SKIPPED}) | {_W}  # who waits for a person has run before
    if _R in states or (_Q in states and states & begun):
        return _R
    # One that is blocked by jobs which all have ended is let go in the same transaction.
    for state in (_Q, _W, _B, *_WORST_FIRST):
        if state in states:
            return state
    return Status.PASSED if Status.PASSED in states else Status.SKIPPED

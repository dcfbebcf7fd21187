"""News of this app, sent after commit; later apps answer in their `receivers.py`.

builds_created(builds)                   builds wait for their plans
build_moved(move)                        a build changed its state: a BuildMove
job_waiting(job_id)                      a job can be claimed
job_moved(move)                          a job changed its state (a deployment's job, too): a JobMove
job_cancelling(job)                      a running job was asked to stop
step_moved(step)                         a step of a running job began or ended
outbox_filled(entry_id)                  something is to leave the house
project_created(project_id)              a project was made
project_moved(project)                   another organisation takes it: sent in that transaction, before it ends
project_clearing(project)                it is deleted for good: sent in a transaction, before its builds go
work_left()                              something large is to be made or removed by a worker: exports, deletions
bell_rung()                              in a runner's process: look at the queue now

Moves and rows come as they were written, with what they belong to: to tell of them asks the database nothing. Whoever
decides something by them reads it again.
"""

from __future__ import annotations

from django.db import transaction
from django.dispatch import Signal

builds_created = Signal()
build_moved = Signal()
job_waiting = Signal()
job_moved = Signal()
job_cancelling = Signal()
step_moved = Signal()
outbox_filled = Signal()
project_created = Signal()
project_moved = Signal()
project_clearing = Signal()
work_left = Signal()
bell_rung = Signal()


def send_on_commit(signal: Signal, sender: type, **news: object) -> None:
    """Send the news when the caller's transaction commits."""
    # robust: a listener that fails must neither fail a change that is already saved nor keep the news from the others.
    transaction.on_commit(lambda: signal.send_robust(sender, **news), robust=True)

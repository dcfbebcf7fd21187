"""News of this app, sent after commit; later apps answer in their `receivers.py`.

builds_created(build_ids)                builds wait for their plans
build_moved(build_id, came_from, to)     a build changed its state
job_waiting(job_id)                      a job can be claimed
job_moved(job_id, came_from, to)         a job changed its state (a deployment's job, too)
job_cancelling(job_id)                   a running job was asked to stop
step_moved(step_id)                      a step of a running job began or ended
outbox_filled(entry_id)                  something is to leave the house
project_created(project_id)              a project was made
bell_rung()                              in a runner's process: look at the queue now
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
bell_rung = Signal()


def send_on_commit(signal: Signal, sender: type, **news: object) -> None:
    """Send the news when the caller's transaction commits."""
    # robust: a listener that fails must neither fail a change that is already saved nor keep the news from the others.
    transaction.on_commit(lambda: signal.send_robust(sender, **news), robust=True)

"""Celery's doors: they take ids, call one service, and hold no rules of their own."""

from __future__ import annotations

from celery import shared_task

from builds.bells import ring
from builds.outbound import outbox
from builds.services import check_hosting, connect_repository, connections, set_up, wake
from builds.services.clear_away import clear_away
from builds.services.export import make_exports
from builds.services.missed import find_missed
from builds.services.plan import plan
from builds.services.prune import prune as prune_rows
from builds.services.reap import reap
from builds.services.schedules import build_due
from builds.signals import bell_rung

# Those that only deliver what is in the outbox: known in every process that may.
DELIVERERS = (connect_repository.remove, set_up.deliver)


@shared_task(ignore_result=True)
def plan_build(build_id: int, *others: int, **from_a_newer_release: object) -> None:
    """A build waits for its plan; of several, each gets a bell of its own, so that none waits for another's fetch."""
    for other in others:
        ring(plan_build, other)
    plan(build_id)


@shared_task(ignore_result=True)
def take_job(**from_a_newer_release: object) -> None:
    """On a runner: a job may be waiting."""
    bell_rung.send_robust(take_job)


@shared_task(ignore_result=True)
def reap_jobs(**from_a_newer_release: object) -> None:
    """Take jobs from runners that are gone."""
    reap()


@shared_task(ignore_result=True)
def wake_waiting(**from_a_newer_release: object) -> None:
    """Ring again for what still waits; where the broker is away, once is enough."""
    for build_id in wake.unplanned():
        if not ring(plan_build, build_id):
            return
    for _ in range(wake.waiting_jobs()):
        if not ring(take_job):
            return


@shared_task(ignore_result=True)
def deliver_outbox(entry_id: int | None = None, **from_a_newer_release: object) -> None:
    """Send what is to leave the house: one entry, or all that are due."""
    if entry_id is None:
        outbox.deliver_due()
    else:
        outbox.deliver(entry_id)


@shared_task(ignore_result=True)
def prune(**from_a_newer_release: object) -> None:
    """Forget what nobody needs any more."""
    prune_rows()


@shared_task(ignore_result=True)
def reconcile(**from_a_newer_release: object) -> None:
    """Build pushes of which no webhook told us."""
    find_missed()


@shared_task(ignore_result=True)
def build_scheduled(**from_a_newer_release: object) -> None:
    """Build what projects want built by the clock."""
    build_due()


@shared_task(ignore_result=True)
def look_at_hosts(**from_a_newer_release: object) -> None:
    """Look whether git hosts still let us in, and whether what we set up there is still there."""
    connections.check_what_is_due()
    check_hosting.look_at_what_is_due()


@shared_task(ignore_result=True)
def do_left_work(**from_a_newer_release: object) -> None:
    """Make the exports that were asked for, and remove what is being deleted."""
    make_exports()
    clear_away()

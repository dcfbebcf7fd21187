"""Every write of a runner asks first whether the job is still its own; and waits while the database is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from builds.models import Job
from builds.services.claim import Claim
from builds.states import Status

log = logging.getLogger(__name__)

Result = TypeVar("Result")
_LONGEST_PAUSE_SECONDS = 2.0


class LostLease(Exception):
    """The job is not this attempt's any more: stop the containers and write nothing."""


def check_owned(claim: Claim) -> None:
    """Raise LostLease unless the claim still owns its job; called in the transaction that writes, it holds the row."""
    rows = Job.objects.select_for_update(no_key=True)
    if not rows.filter(pk=claim.job_id, epoch=claim.epoch, status=Status.RUNNING).values_list("pk").first():
        raise LostLease(f"job {claim.job_id}, epoch {claim.epoch}")


def patiently(work: Callable[[], Result]) -> Result:
    """What `work` returns, tried again while the database is away, at most as long as a lease lasts: then LostLease."""
    end, pause = time.monotonic() + settings.LEASE_SECONDS, 0.05
    while True:
        try:
            return work()
        except (DatabaseError, InterfaceError) as error:
            if not is_away(error):
                raise
            connection.close()
            if time.monotonic() > end:
                raise LostLease("the database was away for as long as a lease lasts") from error
            log.warning("the database is away, trying again: %s", error)
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def is_away(error: Exception) -> bool:
    """Whether `error` says that the database is away, and not that it refused something.

    A server that ends between libpq's read and its look at the socket is told by psycopg2 as a DatabaseError without
    a code; everything that a server refuses has one, and a class of its own.
    """
    return isinstance(error, (OperationalError, InterfaceError)) or (
        type(error) is DatabaseError and error.__cause__ is not None and not getattr(error.__cause__, "pgcode", None)
    )

"""Whose turn it is to plan a build: one planner at a time, for as long as it lives, a few times at most."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import Error, connection
from django.db.models import F, Q
from django.db.models.functions import Now

from builds.models import Build
from builds.states import Status

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
_UNPLANNED = Q(status=Status.QUEUED, planned_at=None)
_DUE = _UNPLANNED & (Q(plan_not_before=None) | Q(plan_not_before__lte=Now()))
_AT_ONCE = 100


def due(*, older_than_seconds: float = 0) -> list[int]:
    """Ids of builds that wait for a planner, oldest first; at most a hundred."""
    old = Build.objects.filter(_DUE, created_at__lte=Now() - timedelta(seconds=older_than_seconds))
    return list(old.order_by("created_at").values_list("pk", flat=True)[:_AT_ONCE])


def take_turn(build_id: int) -> Build | None:
    """The build, if nobody plans it now; the turn is an attempt, and lasts a lease unless `keep_turn` prolongs it."""
    taken = Build.objects.filter(_DUE, pk=build_id).update(
        plan_attempts=F("plan_attempts") + 1, plan_not_before=_lease()
    )
    builds = Build.objects.select_related("project").defer("plan", "project__hook_secret")
    return builds.get(pk=build_id) if taken else None


def give_back(build: Build, *, after_seconds: float) -> None:
    """Let somebody try again, not before this time."""
    Build.objects.filter(_UNPLANNED, pk=build.pk).update(plan_not_before=Now() + timedelta(seconds=after_seconds))


@contextlib.contextmanager
def keep_turn(build: Build) -> Iterator[None]:
    """Prolong the turn from a thread, so that a long fetch is not begun twice and a dead planner is soon replaced."""
    done = threading.Event()
    thread = threading.Thread(target=_prolong, args=(build.pk, done), name=f"plan-{build.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _prolong(build_id: int, done: threading.Event) -> None:
    while not done.wait(settings.LEASE_SECONDS / 4):
        try:
            Build.objects.filter(_UNPLANNED, pk=build_id).update(plan_not_before=_lease())
        except Error as error:
            log.warning("build=%s: the turn to plan was not prolonged: %s", build_id, error)
        finally:
            connection.close()


def _lease() -> object:
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)

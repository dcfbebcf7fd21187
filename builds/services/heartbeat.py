"""A runner says that it lives, and hears what it has to do about the jobs it holds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, QuerySet, Value, When
from django.db.models.functions import Now

from builds.models import Job, Runner
from builds.services.claim import Claim
from builds.states import Status


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a runner hears: ids of jobs whose lease was renewed, that are lost, cancelled or over their deadline."""

    renewed: frozenset[int] = frozenset()
    lost: frozenset[int] = frozenset()
    cancelled: frozenset[int] = frozenset()
    overdue: frozenset[int] = field(default_factory=frozenset)


def heartbeat(claims: Collection[Claim]) -> Orders:
    """Renew the leases of these claims for LEASE_SECONDS by the database's clock, and return the orders for them.

    A row that somebody else holds locked is left for the next beat: a heartbeat waits for nobody. A claim whose epoch
    is not the row's any more is lost, and so is every claim of a runner that was revoked.
    """
    epochs = {claim.job_id: claim.epoch for claim in claims}
    with transaction.atomic():
        rows = _owned(epochs).select_for_update(skip_locked=True, no_key=True, of=("self",))
        held = [pk for pk, epoch in rows.order_by("pk").values_list("pk", "epoch") if epoch == epochs[pk]]
        Job.objects.filter(pk__in=held).update(lease_expires_at=Now() + timedelta(seconds=settings.LEASE_SECONDS))
    orders = watch(claims)
    return replace(orders, renewed=frozenset(held) - orders.lost)


def watch(claims: Collection[Claim]) -> Orders:
    """The orders for these claims, in one cheap query that changes nothing: for the time between two heartbeats."""
    epochs = {claim.job_id: claim.epoch for claim in claims}
    overdue = Case(When(deadline_at__lt=Now(), then=Value(True)), default=Value(False))
    rows = _owned(epochs).annotate(is_overdue=overdue)
    mine = [
        (pk, flagged is not None, is_overdue)
        for pk, epoch, flagged, is_overdue in rows.values_list("pk", "epoch", "cancel_requested_at", "is_overdue")
        if epoch == epochs[pk]
    ]
    return Orders(
        lost=frozenset(epochs) - {pk for pk, _, _ in mine},
        cancelled=frozenset(pk for pk, flagged, _ in mine if flagged),
        overdue=frozenset(pk for pk, _, is_overdue in mine if is_overdue),
    )


def _owned(ids: Collection[int]) -> QuerySet[Job]:
    """Those of the jobs that run, on runners that may run them."""
    revoked = Runner.objects.filter(name=OuterRef("owner"), revoked_at__isnull=False)
    return Job.objects.filter(~Exists(revoked), pk__in=ids, status=Status.RUNNING)

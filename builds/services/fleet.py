"""What administrators tell a runner: pause, resume, drain, revoke, forget. It is in its row, and obeyed within a heartbeat.

A pause is obeyed at once: claims look at the row. What was revoked loses its jobs at once, too: their epoch goes up, and
nothing that the machine still writes is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.services.audit import record
from builds.models import Runner
from builds.services.health import is_alive
from builds.services.reap import take_from
from builds.services.texts import storable


class FleetError(Exception):
    """Cannot be done; the text is a sentence for people."""


def pause(runner_id: int, *, user: User, reason: str) -> bool:
    """Have it take no new jobs; what it runs goes on. False: it is paused, or not there."""
    told = {"paused_at": Now(), "paused_by": user.email, "pause_reason": storable(reason.strip(), 300)}
    return _tell(runner_id, "runner.paused", told, user=user, where={"paused_at": None}, said={"reason": reason[:300]})


def resume(runner_id: int, *, user: User) -> bool:
    """Have it take jobs again. False: it is not paused."""
    told = {"paused_at": None, "paused_by": "", "pause_reason": ""}
    return _tell(runner_id, "runner.resumed", told, user=user, where={"paused_at__isnull": False})


def drain(runner_id: int, *, user: User) -> bool:
    """Have it end what it runs and then its process, as SIGTERM does. False: it drains already, or has gone."""
    told = {"drain_at": Now(), "drain_by": user.email}
    return _tell(runner_id, "runner.drained", told, user=user, where={"drain_at": None, "left_at": None})


def revoke(runner_id: int, *, user: User) -> bool:
    """Take its jobs from it and let it do nothing any more, for good. False: it is revoked, or not there."""
    told = {"revoked_at": Now(), "revoked_by": user.email}
    if not _tell(runner_id, "runner.revoked", told, user=user, where={"revoked_at": None}):
        return False
    # After the commit: a claim that was on its way is looked at by the reaper's next round.
    take_from(Runner.objects.values_list("name", flat=True).get(pk=runner_id))
    return True


def forget(runner_id: int, *, user: User) -> bool:
    """Remove the row of a runner that is gone. FleetError while it is alive. False: it is not there."""
    with transaction.atomic():
        runner = Runner.objects.select_for_update().filter(pk=runner_id).first()
        if runner is None:
            return False
        if is_alive(runner):
            raise FleetError(f"{runner.name} is alive, and would be back at its next sign of life: stop it first.")
        record("runner.forgotten", runner.name, user=user)
        runner.delete()
    return True


def _tell(
    runner_id: int,
    action: str,
    told: Mapping[str, object],
    *,
    user: User,
    where: Mapping[str, object],
    said: Mapping[str, object] | None = None,
) -> bool:
    with transaction.atomic():
        runner = Runner.objects.select_for_update().filter(pk=runner_id, **where).first()
        if runner is None:
            return False
        Runner.objects.filter(pk=runner_id).update(**told)
        record(action, runner.name, user=user, details=dict(said or {}))
    return True

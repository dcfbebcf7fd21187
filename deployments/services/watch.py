"""Look at what is live, for good, where the environment's `watch` says so: is it good or bad. Nothing is taken back by it.

Rows and lease are those of a stage's look. While a deployment is on its way its own stages are looked at instead.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from builds.pipeline.delivery import Probe, Watch
from builds.signals import send_on_commit
from deployments.models import Deployment, Environment, Health, HealthMove, ProbeResult
from deployments.services.announce import announce
from deployments.services.gates_of import gates_of
from deployments.services.move import hold
from deployments.services.plans import plan_for
from deployments.services.probes import longest, named, open_all
from deployments.services.results import keep
from deployments.services.turns import EARLY, LEASE, lease, turns
from deployments.signals import health_moved
from deployments.states import BUSY, DeploymentStatus

_AT_ONCE = 100
_ON_THE_WAY = BUSY - {DeploymentStatus.UNKNOWN}
# What has nothing to open is asked again then; a new live release is looked at without that.
_IDLE = timedelta(hours=1)


def watch_from_now(environment_id: int) -> None:
    """Look at the environment at the next turn: its `watch` may have been changed."""
    _from_now(Environment.objects.filter(pk=environment_id))


def watch_what_went_live(deployment_id: int) -> None:
    """Look at its environment at the next turn: something else is live there."""
    _from_now(Environment.objects.filter(deployments=deployment_id))


def _from_now(environments: QuerySet[Environment]) -> None:
    # One that is not watched any more is looked at a last time, which forgets what was seen.
    concerned = Q(look_at__isnull=False) | Q(gates__watch__every_seconds__gt=0)
    environments.filter(concerned).update(look_at=timezone.now())


def look_due(limit: int = _AT_ONCE) -> int:
    """Hand the environments that are due to threads of this process; how many. Waits for nothing."""
    due = Environment.objects.filter(look_at__lte=timezone.now()).exclude(project__in=turns.busy_projects())
    rows = list(due.order_by("look_at").values_list("pk", "project_id")[:limit])
    return sum(turns.take(("environment", pk), project, partial(look, pk)) for pk, project in rows)


def find_unwatched() -> int:
    """Have environments looked at that should be, and of which the news that something went live was lost; how many."""
    live = Deployment.objects.live().filter(environment=OuterRef("pk"))
    unwatched = Environment.objects.filter(Exists(live), look_at=None, retired=False)
    return unwatched.filter(gates__watch__every_seconds__gt=0).update(look_at=timezone.now())


def look(environment_id: int) -> bool:
    """Open every address of one environment, and decide. False: nothing was due, or somebody else was at it."""
    now = timezone.now()
    environment = Environment.objects.filter(pk=environment_id, look_at__lte=now).first()
    if environment is None or environment.look_at is None:
        return False
    row = Environment.objects.filter(pk=environment_id)
    until = lease(row, environment.look_at)
    live = _live(environment)
    watch, probes = _wanted(environment, live)
    if until and longest(probes) > LEASE:
        until = lease(row, until, longest(probes))
    if until is None:
        return False
    opens = live is not None and watch is not None and bool(probes) and not _is_busy(environment)
    found = open_all(probes, named(live.release, environment.name)) if opens and live else {}
    with transaction.atomic():
        fresh = hold(environment_id)
        if fresh.look_at != until:
            return False
        if live is None or watch is None or not probes:
            _leave_alone(fresh, has_nothing=watch is not None and live is not None)
            return True
        fresh.look_at = timezone.now() + timedelta(seconds=watch.every_seconds) - EARLY
        if found and _live(fresh) == live and not _is_busy(fresh):
            _forget_others(fresh, live, probes)
            keep(fresh, found, now=timezone.now())
            _decide(fresh, live, watch)
        fresh.save(update_fields=["look_at", "health", "health_reason", "health_since"])
    return True


def _live(environment: Environment) -> Deployment | None:
    return environment.deployments.live().select_related("release__build").first()


def _is_busy(environment: Environment) -> bool:
    return environment.deployments.filter(status__in=_ON_THE_WAY).exists()


def _wanted(environment: Environment, live: Deployment | None) -> tuple[Watch | None, dict[int, Probe]]:
    """How it is watched, as the environment has it, and what is opened, as the live release has it."""
    watch = None if environment.retired else gates_of(environment).watch
    plan = plan_for(live.release, environment) if live is not None and watch is not None else None
    return watch, dict(enumerate(plan.rollout.probes)) if plan else {}


def _leave_alone(environment: Environment, *, has_nothing: bool) -> None:
    environment.probes.all().delete()
    environment.look_at = timezone.now() + _IDLE if has_nothing else None
    environment.health, environment.health_reason, environment.health_since = "", "", None
    environment.save(update_fields=["look_at", "health", "health_reason", "health_since"])


def _forget_others(environment: Environment, live: Deployment, probes: dict[int, Probe]) -> None:
    """A new live release starts afresh: what was seen before it went live says nothing of it."""
    environment.probes.filter(Q(at__lt=live.live_at) | Q(position__gte=len(probes))).delete()


def _decide(environment: Environment, live: Deployment, watch: Watch) -> None:
    rows = list(environment.probes.all())
    bad = next((row for row in rows if row.failures >= watch.failures), None)
    since, live_at = environment.health_since, live.live_at
    is_others = since is not None and live_at is not None and since < live_at  # it is told of an earlier release
    if bad is not None and (environment.health != Health.BAD or is_others):
        _move(environment, live, Health.BAD, reason=_why(bad))
    elif bad is not None:
        environment.health_reason = _why(bad)
    elif environment.health != Health.GOOD and all(row.is_right for row in rows):
        _move(environment, live, Health.GOOD, reason="")


def _why(row: ProbeResult) -> str:
    times = f", {row.failures} times in a row" if row.failures > 1 else ""
    return f"{row.url} {row.reason}{times}"


def _move(environment: Environment, live: Deployment, to: Health, *, reason: str) -> None:
    """It became good or bad; that it was good from the beginning is no news."""
    is_news = bool(environment.health) or to == Health.BAD
    environment.health, environment.health_reason, environment.health_since = to, reason, timezone.now()
    if is_news:
        move = HealthMove.objects.create(environment=environment, went_to=to, release=live.release, reason=reason)
        send_on_commit(health_moved, Environment, move_id=move.pk)
    transaction.on_commit(partial(announce, live.pk), robust=True)

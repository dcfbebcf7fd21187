"""What keeps a deployment from going now: an approval that is missing, a window that is closed, a freeze."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from builds.pipeline.delivery import Approval, Window
from builds.pipeline.windows import is_open, opens_at
from builds.states import Status
from deployments.models import Deployment, Environment, Freeze
from deployments.services.approvers import counts, named
from deployments.services.gates_of import gates_of
from deployments.states import DeploymentStatus

_S = DeploymentStatus


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """Where the deployment has to wait, and why, for people."""

    status: DeploymentStatus
    reason: str
    until: datetime | None = None  # when it goes by itself; None = nobody knows
    expires: datetime | None = None  # when nobody may approve it any more


def obstacle(environment: Environment, deployment: Deployment, *, now: datetime) -> Obstacle | None:
    """What the deployment has to wait for at the moment `now`; None: it may go.

    Approval comes first, so that people can agree ahead of the window. What a person brings back waits for neither.
    The environment's project and the release's build are read.
    """
    if deployment.is_rollback:
        return None
    gates = gates_of(environment)
    return _approval(gates.approval, deployment, now) or _window(environment, gates.windows, deployment, now)


def stale(environment: Environment, deployment: Deployment) -> str:
    """Why the deployment may not go any more, though nothing keeps it: what was verified is not so now; "" = it may.

    What a person asks for, or brings back, needs no environment before it.
    """
    build, after = deployment.release.build, environment.after
    if build.status != Status.PASSED:
        return f"Build #{build.number} has not passed"
    if not deployment.automatic or not after:
        return ""
    there = Deployment.objects.filter(environment__project=environment.project_id, environment__name=after)
    last = there.filter(release=deployment.release_id, live_at__isnull=False).order_by("-live_at").first()
    if last is None:
        return f"{_title(deployment)} was never live in {after}"
    if last.status in {_S.LIVE, _S.SUPERSEDED}:
        return ""
    return f"{_title(deployment)} was taken back from {after}"


def moment(at: datetime, zone: str, now: datetime) -> str:
    """A moment for people: "Monday at 18:00 (Europe/Vienna)", with the date where it is not within six days."""
    there, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    day = f"{there:%A}" if there - today < timedelta(days=6) else f"{there:%A}, {there.day} {there:%B}"
    year = "" if there.year == today.year else f" {there.year}"
    return f"{day}{year if ',' in day else ''} at {there:%H:%M} ({zone})"


def _approval(rule: Approval | None, deployment: Deployment, now: datetime) -> Obstacle | None:
    if rule is None or (deployment.approved_at is not None and counts(rule, deployment)):
        return None
    since = deployment.expires_at if deployment.status == _S.WAITING else None
    expires = since or now + timedelta(seconds=rule.expires_seconds)
    but = ", other than its author" if rule.not_author else ""
    return Obstacle(status=_S.WAITING, reason=f"Waits for the approval of {named(rule)}{but}", expires=expires)


def _window(
    environment: Environment, windows: Sequence[Window], deployment: Deployment, now: datetime
) -> Obstacle | None:
    if deployment.override_reason:
        return None
    freezes = _freezes(environment, now)
    until = opens_at(windows, [(each.starts_at, each.ends_at) for each in freezes], now)
    if until is not None and until <= now:
        return None
    return Obstacle(status=_S.HELD, reason=_reason(windows, freezes, until, now), until=until)


def _freezes(environment: Environment, now: datetime) -> list[Freeze]:
    """Those that are or come, of the environment and of all."""
    coming = Freeze.objects.filter(organization=environment.project.organization_id, ends_at__gt=now)
    return list(coming.filter(Q(environment=None) | Q(environment=environment)))


def _reason(windows: Sequence[Window], freezes: list[Freeze], until: datetime | None, now: datetime) -> str:
    zone = windows[0].zone if windows else "UTC"
    frozen = max((each for each in freezes if each.starts_at <= now), key=lambda each: each.ends_at, default=None)
    opening = next((window.zone for window in windows if until and is_open([window], until)), zone)
    opens = f"The window opens on {moment(until, opening, now)}" if until else "Nothing opens within a year"
    if frozen is None:
        return opens
    text = f"Frozen until {moment(frozen.ends_at, zone, now)}: {frozen.reason}"
    return text if until == frozen.ends_at else f"{text}. {opens}"


def _title(deployment: Deployment) -> str:
    return str(deployment.release).capitalize()

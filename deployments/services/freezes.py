"""Times in which nothing goes: people set them and lift them, for one environment or a whole organisation."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization, User
from accounts.services.audit import record
from builds.access import Right, may, may_in
from builds.pipeline.report import clean
from builds.signals import send_on_commit
from deployments.models import Deployment, Environment, Freeze
from deployments.services.request import RefusedError
from deployments.signals import environment_changed
from deployments.states import PENDING, DeploymentStatus

LONGEST = timedelta(days=366)
MOST = 100
LONGEST_REASON = 200


def freeze(
    organization: Organization,
    *,
    environment: Environment | None = None,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    user: User,
) -> Freeze:
    """Keep releases from one environment, or from all of the organisation, between two moments (aware).

    What is on its way goes on. RefusedError: without the right, or where the times make no sense.
    """
    reason = clean(reason, LONGEST_REASON).strip()
    _check_right(organization, environment, user)
    _check_times(starts_at, ends_at)
    if not reason:
        raise RefusedError("Say why: people who wait for a release read it")
    with transaction.atomic():
        Organization.objects.select_for_update(of=("self",), no_key=True).get(pk=organization.pk)
        if Freeze.objects.filter(organization=organization, ends_at__gt=timezone.now()).count() >= MOST:
            raise RefusedError(f"There are {MOST} freezes already: lift one that is not needed")
        made = Freeze.objects.create(
            organization=organization,
            environment=environment,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason,
            created_by=user,
        )
        _record("freeze.made", made, user)
        _ask_again(made)
    return made


def thaw(freeze: Freeze, *, user: User) -> bool:
    """Lift a freeze, whether it has begun or not: what it held goes. False: it was lifted before.

    RefusedError: without the right.
    """
    _check_right(freeze.organization, freeze.environment, user)
    with transaction.atomic():
        found = Freeze.objects.select_for_update(of=("self",)).filter(pk=freeze.pk).first()
        if found is None:
            return False
        _record("freeze.lifted", found, user)
        _ask_again(found)
        found.delete()
    return True


def _check_right(organization: Organization, environment: Environment | None, user: User) -> None:
    if environment is not None and environment.project.organization_id != organization.pk:
        raise RefusedError(f"{environment} belongs to another organisation")
    if environment is None:
        right, allowed = Right.CHANGE_ORGANIZATION, may(user, organization, Right.CHANGE_ORGANIZATION)
    else:
        right, allowed = Right.CHANGE_PROJECT, may_in(user, environment.project, Right.CHANGE_PROJECT)
    if not allowed:
        raise RefusedError(f"You may not {right}: ask an owner of {organization}")


def _check_times(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise RefusedError("A freeze ends after it begins: give a later end")
    if ends_at <= timezone.now():
        raise RefusedError("This freeze is over already: give a later end")
    if ends_at - starts_at > LONGEST:
        raise RefusedError(f"A freeze lasts {LONGEST.days} days at most: give an earlier end")


def _ask_again(freeze: Freeze) -> None:
    """Whatever waits where the freeze holds is looked at anew, by the clock where the news is lost."""
    places = Environment.objects.filter(project__organization=freeze.organization_id)
    if freeze.environment_id is not None:
        places = places.filter(pk=freeze.environment_id)
    waiting = Deployment.objects.filter(environment__in=places, status__in=PENDING)
    for environment_id in waiting.values_list("environment_id", flat=True).distinct():
        send_on_commit(environment_changed, Environment, environment_id=environment_id)
    waiting.filter(status=DeploymentStatus.HELD).update(held_until=None)


def _record(action: str, freeze: Freeze, user: User) -> None:
    details = {
        "environment": freeze.environment.name if freeze.environment else "",
        "project": freeze.environment.project.name if freeze.environment else "",
        "starts_at": freeze.starts_at.isoformat(),
        "ends_at": freeze.ends_at.isoformat(),
    }
    record(action, freeze.reason, user=user, organization=freeze.organization, details=details)

"""How long what builds leave is kept: as the organisation says, else as the instance has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from accounts.services.audit import record
from builds.models import Retention

KINDS = ("build_days", "log_days", "artifact_days", "cache_days")


def of_instance() -> dict[str, int]:
    """What counts where an organisation says nothing; 0 = for ever."""
    return {kind: getattr(settings, kind.upper()) for kind in KINDS}


def set_retention(organization: Organization, days: Mapping[str, int | None], *, who: User) -> None:
    """Days of each of KINDS; None = as the instance has it, 0 = for ever."""
    values = {kind: days[kind] for kind in KINDS}
    with transaction.atomic():
        Retention.objects.update_or_create(organization=organization, defaults=values)
        record("organization.retention", organization.name, user=who, organization=organization, details=values)


def expired(kind: str, *, organization: str, since: str) -> Iterator[Q]:
    """Conditions on rows whose organisation and moment lie on these paths: each says whose are past their days."""
    default = of_instance()[kind]
    own = dict(Retention.objects.exclude(**{kind: None}).values_list("organization", kind))
    for pk, days in own.items():
        if days:
            yield Q(**{organization: pk, f"{since}__lt": Now() - timedelta(days=days)})
    if default:
        yield Q(**{f"{since}__lt": Now() - timedelta(days=default)}) & ~Q(**{f"{organization}__in": list(own)})

"""Makes an organisation with its first owner."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.models import Membership, Organization, Role, User
from accounts.services.audit import record

_TRIES = 50


def create_organization(name: str, owner: User) -> Organization:
    """A new organisation owned by `owner`; its slug comes from the name, with a number where that is taken."""
    name = name.strip()[:100]
    with transaction.atomic():
        organization = _with_free_slug(name)
        Membership.objects.create(user=owner, organization=organization, role=Role.OWNER)
        record("organization.created", name, user=owner, organization=organization)
    return organization


def _with_free_slug(name: str) -> Organization:
    for tried, slug in enumerate(_slugs(name), 1):
        try:
            with transaction.atomic():
                return Organization.objects.create(name=name, slug=slug)
        except IntegrityError:
            if tried == _TRIES:
                raise
    raise AssertionError("the slugs never end")


def free_slug(name: str, *, but: Organization) -> str:
    """A slug for `name` that no organisation other than `but` has now."""
    others = Organization.objects.exclude(pk=but.pk)
    return next(slug for slug in _slugs(name) if not others.filter(slug=slug).exists())


def _slugs(name: str) -> Iterator[str]:
    base = slugify(name)[:50] or "team"
    yield base
    yield from (f"{base}-{number}" for number in count(2))

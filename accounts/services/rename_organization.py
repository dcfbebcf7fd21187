"""Renames an organisation; its short name, which filters are addressed by, follows."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Organization, User
from accounts.services.audit import record
from accounts.services.create_organization import free_slug
from accounts.services.roles import RefusedError, hold


def rename_organization(organization: Organization, name: str, *, by: User) -> None:
    """Another name, and a short name made from it; RefusedError for an unusable name."""
    name = name.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise RefusedError("Give a name of at most 100 characters.")
    with transaction.atomic():
        held = hold(organization)
        before = {"name": held.name, "slug": held.slug}
        held.name, held.slug = name, free_slug(name, but=held)
        held.save(update_fields=["name", "slug"])
        details = {"from": before, "to": {"name": held.name, "slug": held.slug}}
        record("organization.renamed", name, user=by, organization=held, details=details)
    organization.name, organization.slug = held.name, held.slug

"""What a person can choose from in a form."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import Membership, Organization, User
from builds.access import RIGHTS, Right


def organizations_with_right(user: User, right: Right) -> QuerySet[Organization]:
    """The organisations in which `user` has `right`, by name."""
    roles = [role for role, rights in RIGHTS.items() if right in rights]
    mine = Membership.objects.filter(user=user, role__in=roles)
    return Organization.objects.filter(memberships__in=mine).order_by("name")

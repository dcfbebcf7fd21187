"""Changes a member's role, removes members, lets members leave: the last owner stays, and nobody reaches above themselves."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import ApiToken, Invitation, Membership, Organization, Role, User
from accounts.services.audit import record
from accounts.services.roles import RefusedError, check_may_give, hold


def change_role(membership: Membership, role: str, *, by: User) -> None:
    """Give a member another role; RefusedError where `by` may not, or the last owner would go."""
    with transaction.atomic():
        organization, membership = _held(membership)
        before = membership.role
        check_may_give(by, organization, before)
        check_may_give(by, organization, role)
        if role == before:
            return
        if before == Role.OWNER:
            _check_another_owner(membership)
        membership.role = role
        membership.save(update_fields=["role"])
        details = {"from": before, "to": role}
        record("member.role_changed", membership.user.email, user=by, organization=organization, details=details)


def remove_member(membership: Membership, *, by: User) -> None:
    """Take a member out, or let `by` leave; RefusedError where `by` may not, or the last owner would go.

    Their place in teams, their tokens for this organisation alone and the invitations they sent end with it.
    """
    with transaction.atomic():
        organization, membership = _held(membership)
        user = membership.user
        if user.pk != by.pk:
            check_may_give(by, organization, membership.role)
        if membership.role == Role.OWNER:
            _check_another_owner(membership)
        _end_what_they_had(user, organization)
        membership.delete()
        action = "member.left" if user.pk == by.pk else "member.removed"
        record(action, user.email, user=by, organization=organization, details={"role": membership.role})


def _held(membership: Membership) -> tuple[Organization, Membership]:
    """The organisation, locked, and the membership as it is now."""
    organization = hold(membership.organization)
    fresh = Membership.objects.filter(pk=membership.pk).select_related("user").first()
    if fresh is None:
        raise RefusedError("They are no member any more.")
    return organization, fresh


def _check_another_owner(membership: Membership) -> None:
    others = Membership.objects.filter(
        organization=membership.organization_id, role=Role.OWNER, user__is_active=True
    ).exclude(pk=membership.pk)
    if not others.exists():
        raise RefusedError("An organisation needs an owner: make somebody else an owner first.")


def _end_what_they_had(user: User, organization: Organization) -> None:
    user.teams.remove(*user.teams.filter(organization=organization))
    ApiToken.objects.filter(user=user, organization=organization).delete()
    waiting = Invitation.objects.filter(organization=organization, invited_by=user, accepted_at=None, withdrawn_at=None)
    waiting.update(withdrawn_at=timezone.now())

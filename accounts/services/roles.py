"""Which role stands above which, and who may give or take one: nobody above their own."""

from __future__ import annotations

from accounts.models import Membership, Organization, Role, User

# From the one that may most to the one that may least.
RANKS = (Role.OWNER, Role.MANAGER, Role.PROJECT_MANAGER, Role.CONTRIBUTOR)


class RefusedError(Exception):
    """The change is not allowed; the text says why, as a sentence for who asked."""


def is_at_least(role: str, least: str) -> bool:
    """Whether `role` may at least what `least` may."""
    return RANKS.index(Role(role)) <= RANKS.index(Role(least))


def roles_up_to(role: str) -> list[Role]:
    """What somebody with `role` may give, the highest first."""
    return [each for each in RANKS if is_at_least(role, each)]


def role_of(user: User, organization: Organization) -> str | None:
    """The role of `user` in `organization`; None for who is no member."""
    return Membership.objects.filter(user=user, organization=organization).values_list("role", flat=True).first()


def check_may_give(by: User, organization: Organization, role: str) -> None:
    """Go on only where `by` has at least `role`; RefusedError."""
    own = role_of(by, organization)
    if own is None or not is_at_least(own, role):
        raise RefusedError(f"You may not give or take the role of {Role(role).label.lower()}: it is above yours.")


def hold(organization: Organization) -> Organization:
    """Lock the organisation's row until the transaction ends: changes of its people go one at a time."""
    return Organization.objects.select_for_update().get(pk=organization.pk)

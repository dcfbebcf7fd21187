"""The way in for who was invited: a token of 256 random bits, mailed once, known to the database by its SHA-256."""

from __future__ import annotations

import hashlib

from django.db import transaction
from django.utils import timezone

from accounts.models import Invitation, Membership, User
from accounts.services.audit import record
from accounts.services.roles import RefusedError, hold, is_at_least


class OtherAddressError(RefusedError):
    """The invitation was sent to another address than the person's; they must be asked plainly first."""


def digest_of(raw_token: str) -> str:
    """What the database knows of a token."""
    return hashlib.sha256(raw_token.encode(errors="surrogatepass")).hexdigest()


def open_invitation(raw_token: str) -> Invitation | None:
    """The invitation that `raw_token` opens, with its organisation; None where it is unknown, used, withdrawn or old.

    To have the token does not prove that one reads mail at its address: who invites sees the link, too.
    """
    open_ones = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now())
    return open_ones.select_related("organization", "invited_by").filter(digest=digest_of(raw_token)).first()


def is_addressed_to(invitation: Invitation, user: User) -> bool:
    """Whether it was sent to the person's own address."""
    return invitation.email.lower() == user.email.lower()


def accept(invitation: Invitation, user: User, *, as_another: bool = False) -> Membership:
    """Make `user` a member with the invitation's role and teams; the invitation is used up.

    Who is a member already keeps the higher role. OtherAddressError where it was sent to another address and
    `as_another` does not say that the person wants that; RefusedError where it was used or withdrawn meanwhile.
    """
    if not is_addressed_to(invitation, user) and not as_another:
        raise OtherAddressError(f"This invitation was sent to {invitation.email}; you are {user.email}.")
    with transaction.atomic():
        organization = hold(invitation.organization)
        now = timezone.now()
        fresh = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None, expires_at__gt=now)
        if not fresh.filter(digest=invitation.digest).update(accepted_at=now):
            raise RefusedError("This invitation was used or withdrawn: ask for a new one.")
        membership, is_new = Membership.objects.get_or_create(
            user=user, organization=organization, defaults={"role": invitation.role}
        )
        if not is_new and not is_at_least(membership.role, invitation.role):
            membership.role = invitation.role
            membership.save(update_fields=["role"])
        teams = list(invitation.teams.all())
        user.teams.add(*teams)
        details = {"role": membership.role, "teams": [team.name for team in teams], "invited": invitation.email}
        record("member.joined", user.email, user=user, organization=organization, details=details)
    return membership

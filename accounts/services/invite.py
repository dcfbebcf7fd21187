"""Invites people into an organisation by mail, sends an invitation again, and takes it back.

Who invites sees the link once, too: so a colleague gets in where no mail server is set up.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, Membership, Organization, Role, Team, User
from accounts.services.audit import record
from accounts.services.invitations import digest_of
from accounts.services.roles import RefusedError, check_may_give, hold
from accounts.sign_in.letters import Letter, Words, write
from accounts.signals import letter_written

LIFE = timedelta(days=7)
# An invitation is a mail to an address that somebody typed: it must not make us write to strangers without end.
MOST_OPEN = 200
MOST_AN_HOUR = 60
_WORDS = Words(
    "An invitation",
    "{by} invites you to {organization} as {role}. The link works for seven days, and once.",
    "link",
    "Look at the invitation",
    "If you do not know them, there is nothing to do.",
)


def open_invitations(organization: Organization) -> QuerySet[Invitation]:
    """Those that still wait for an answer, the newest first; old ones are among them until they are sent again."""
    waiting = Invitation.objects.filter(organization=organization, accepted_at=None, withdrawn_at=None)
    return waiting.select_related("invited_by").prefetch_related("teams").order_by("-pk")


def invite(
    organization: Organization, email: str, *, role: str, teams: Sequence[Team] = (), by: User
) -> tuple[Invitation, str]:
    """Write to `email`: the invitation and its link, which nobody can read again; one that was open for it ends.

    RefusedError: they are a member already, the role is above that of `by`, or too many were sent.
    """
    email = email.strip().lower()
    with transaction.atomic():
        hold(organization)
        check_may_give(by, organization, role)
        for team in teams:
            check_may_give(by, organization, team.role)
        if Membership.objects.filter(organization=organization, user__email=email).exists():
            raise RefusedError(f"{email} is a member already.")
        now = timezone.now()
        open_invitations(organization).filter(email=email).update(withdrawn_at=now)
        _check_room(organization)
        raw = secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            organization=organization,
            email=email,
            role=role,
            digest=digest_of(raw),
            invited_by=by,
            expires_at=now + LIFE,
        )
        invitation.teams.set(teams)
        details = {"role": role, "teams": [team.name for team in teams]}
        record("member.invited", email, user=by, organization=organization, details=details)
        return invitation, _send(invitation, raw, by)


def renew(invitation: Invitation, *, by: User) -> str:
    """Send an open invitation again, and give its new link: the one before opens nothing any more. RefusedError."""
    raw = secrets.token_urlsafe(32)
    with transaction.atomic():
        organization = hold(invitation.organization)
        for role in (invitation.role, *(team.role for team in invitation.teams.all())):
            check_may_give(by, organization, role)
        _check_room(organization)
        renewed = {"digest": digest_of(raw), "expires_at": timezone.now() + LIFE, "invited_by": by}
        if not open_invitations(organization).filter(pk=invitation.pk).update(**renewed):
            raise RefusedError("This invitation was used or withdrawn meanwhile.")
        record("invitation.renewed", invitation.email, user=by, organization=organization)
        return _send(invitation, raw, by)


def withdraw(invitation: Invitation, *, by: User) -> bool:
    """Take it back: its link opens nothing any more. False where it was used or withdrawn before."""
    with transaction.atomic():
        organization = hold(invitation.organization)
        waiting = open_invitations(organization).filter(pk=invitation.pk)
        if not waiting.update(withdrawn_at=timezone.now()):
            return False
        record("invitation.withdrawn", invitation.email, user=by, organization=organization)
    return True


def _send(invitation: Invitation, raw: str, by: User) -> str:
    """Say that the letter is there, in the transaction of its cause; the link in it."""
    link = f"{settings.PUBLIC_URL}{reverse('invitation', args=[raw])}"
    told = {"by": by, "organization": invitation.organization, "role": Role(invitation.role).label, "link": link}
    letter_written.send(Letter, letter=write(_WORDS, invitation.email, told))
    return link


def _check_room(organization: Organization) -> None:
    if open_invitations(organization).count() >= MOST_OPEN:
        raise RefusedError(f"{MOST_OPEN} invitations wait for an answer: withdraw some first.")
    lately = timezone.now() - timedelta(hours=1)
    sent = organization.audit_entries.filter(
        action__in=["member.invited", "invitation.renewed"], created_at__gt=lately
    ).count()
    if sent >= MOST_AN_HOUR:
        raise RefusedError(f"{MOST_AN_HOUR} invitations were sent within an hour: send the others later.")
